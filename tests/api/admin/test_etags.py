"""Optional versions of older clients, and concurrent changes."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from deployments.administration.office.composition import OfficeServices
from storage.environment import Environment
from tests.api.admin.admin_client import PASSWORD, admin_client
from tests.api.admin.admin_routers import all_routers

BOT_TOKEN = "123456:AAE-abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
async def client(office: OfficeServices, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    environment = Environment(data=tmp_path / "data", admin_password=SecretStr(PASSWORD), _env_file=None)
    async with (
        all_routers(office, environment) as routers,
        admin_client(office, lambda _: routers) as client,
    ):
        yield client


@dataclass(frozen=True)
class Change:
    """``read`` returns the ETag of what ``body``, sent to ``write``, changes."""

    read: str
    write: str
    body: dict[str, object] | None = field(default_factory=dict)
    method: str = "POST"

    async def send(self, client: httpx.AsyncClient, tag: str = "", version: str = "") -> int:
        headers = {"if-match": tag} if tag else {}
        body = {**(self.body or {}), "version": int(version.strip('"'))} if version else self.body
        return (await client.request(self.method, self.write, json=body, headers=headers)).status_code


CHANGES = (
    Change("/llm/params", "/llm/params", {"temperature": 0.3}),
    Change("/llm/persona", "/llm/persona", {"persona": "marina"}),
    Change("/llm/backend", "/llm/backend", {"backend": "cloud:gemini"}),
    Change("/llm/providers/gemini", "/llm/providers/gemini/set-default", None),
    Change("/llm/prompt", "/llm/prompt", {"prompt": "Ты робот."}),
    Change("/llm/prompt/marina", "/llm/prompt/marina", {"prompt": "Ты помощник."}),
    Change("/tts/presets", "/tts/preset", {"preset": "warm"}),
    Change("/tts/piper/params", "/tts/piper/params", {"speed": 2}),
    Change("/voice", "/voice", {"voice": "tone-en"}),
    Change("/faq/entries/1", "/faq/Где вход", {"response": "Справа."}, "PUT"),
    Change("/telegram/config", "/telegram/config", {"welcome_message": "Привет"}),
    Change("/widget/config", "/widget/config", {"title": "Чат"}),
)


async def create_records(client: httpx.AsyncClient) -> int:
    """Creates a provider, the default bot and widget, and the only FAQ entry, whose id is returned."""
    for entry in (await client.get("/faq/entries")).json()["entries"]:
        await client.delete(f"/faq/entries/{entry['id']}")
    gemini = {"name": "gemini", "provider_type": "gemini", "model_name": "gemini-2.5-flash"}
    for path, body in (
        ("/llm/providers", gemini),
        ("/telegram/config", {"bot_token": BOT_TOKEN, "enabled": False}),
        ("/widget/config", {"position": "left"}),
    ):
        assert (await client.post(path, json=body)).is_success
    return await create_entry(client)


async def create_entry(client: httpx.AsyncClient) -> int:
    reply = await client.post("/faq", json={"trigger": "Где вход", "response": "Слева."})
    return int(reply.json()["entry"]["id"])


async def test_optional_version_is_checked_when_sent(client: httpx.AsyncClient) -> None:
    entry = await create_records(client)
    for change in CHANGES:
        read = await client.get(change.read.replace("/entries/1", f"/entries/{entry}"))
        tag = read.headers["etag"]
        assert await change.send(client, '"999999999"') == 409, change
        assert await change.send(client, tag) == 200, change
        assert await change.send(client, tag) == 409, change
        assert change.body is None or await change.send(client, version=tag) == 409, change
        assert await change.send(client, "*") == 200, change
        assert await change.send(client) == 200, change


async def test_change_returns_the_next_etag(client: httpx.AsyncClient) -> None:
    await create_records(client)
    for change in (each for each in CHANGES if each.method == "POST"):
        reply = await client.request(change.method, change.write, json=change.body)
        assert await change.send(client, reply.headers["etag"]) == 200, change


async def test_prompt_reset_checks_the_version(client: httpx.AsyncClient) -> None:
    old = (await client.get("/llm/prompt/anna")).headers["etag"]
    new = (await client.post("/llm/prompt/anna", json={"prompt": "Ты робот."})).headers["etag"]
    assert (await client.post("/llm/prompt/anna/reset", headers={"if-match": old})).status_code == 409
    assert (await client.post("/llm/prompt/anna/reset", headers={"if-match": new})).headers["etag"] == old


async def test_faq_delete_checks_the_version(client: httpx.AsyncClient) -> None:
    entry = await create_entry(client)
    for path in (f"/faq/entries/{entry}", "/faq/Где вход"):
        assert (await client.delete(path, headers={"if-match": '"7"'})).status_code == 409
    assert (await client.delete("/faq/Где вход", headers={"if-match": '"1"'})).status_code == 200


async def test_settings_future_revision_conflicts(client: httpx.AsyncClient, office: OfficeServices) -> None:
    """The revision is higher when it was read before a backup was restored."""
    newest = office.publisher.current.revision
    body = {"settings": {"llm": {"temperature": 0.3}}}
    for revision, status in ((newest + 1, 409), (newest + 10_000, 409), (newest, 200)):
        reply = await client.patch("/settings", json={**body, "revision": revision})
        assert reply.status_code == status, revision
    assert reply.headers["etag"] == f'"{newest + 1}"'


async def test_concurrent_default_voices_are_both_kept(client: httpx.AsyncClient, office: OfficeServices) -> None:
    voices = ("tone-ru", "tone-en")
    replies = await asyncio.gather(*(client.post("/voice", json={"voice": voice}) for voice in voices))
    assert [reply.status_code for reply in replies] == [200, 200]
    assert office.publisher.current.settings.speech.default_voices == {"ru": "tone-ru", "en": "tone-en"}


async def test_concurrent_partial_changes_are_all_kept(client: httpx.AsyncClient, office: OfficeServices) -> None:
    before = office.publisher.current.revision
    sampling = {"temperature": 0.3, "top_p": 0.5, "max_tokens": 7}
    settings = {"revision": before, "settings": {"default_language": "en"}}
    replies = await asyncio.gather(
        *(client.post("/llm/params", json={name: value}) for name, value in sampling.items()),
        client.post("/tts/piper/params", json={"speed": 2}),
        client.post("/voice", json={"voice": "tone-en"}),
        client.patch("/settings", json=settings),
    )
    assert all(reply.status_code in (200, 409) for reply in replies)
    after = office.publisher.current.settings
    assert after.llm.model_dump(include=set(sampling)) == sampling
    assert (after.speech.speed, after.speech.default_voices) == (2, {"en": "tone-en"})


@pytest.mark.parametrize(
    ("path", "first", "second"),
    [
        ("/widget/config", {"title": "Чат"}, {"position": "left"}),
        (
            "/telegram/config",
            {"bot_token": BOT_TOKEN, "enabled": False},
            {"bot_token": BOT_TOKEN, "welcome_message": "Привет"},
        ),
    ],
)
async def test_concurrent_first_config_creates_one(
    client: httpx.AsyncClient, path: str, first: dict[str, object], second: dict[str, object]
) -> None:
    replies = await asyncio.gather(*(client.post(path, json=body) for body in (first, second)))
    assert [reply.status_code for reply in replies] == [200, 200]
    instances = (await client.get(path.replace("config", "instances"))).json()["instances"]
    assert [each["id"] for each in instances] == ["default"]
    wanted = {name: value for name, value in {**first, **second}.items() if name != "bot_token"}
    assert {name: instances[0][name] for name in wanted} == wanted


async def test_version_of_missing_widget_conflicts(client: httpx.AsyncClient) -> None:
    reply = await client.post("/widget/config", json={"title": "Чат"}, headers={"if-match": '"1"'})
    assert reply.status_code == 409
