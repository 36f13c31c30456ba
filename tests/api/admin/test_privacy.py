"""Routes of ``/privacy``: access, export, erasure and consents."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deployments.administration.office.composition import OfficeServices
from deployments.api.admin.privacy.routes import privacy_router
from deployments.contracts.chat import GenerationOptions, Overrides, Route, SourceKind, TurnSource
from deployments.contracts.identity import Identity, Role
from deployments.contracts.reports import DoorReport
from deployments.contracts.sessions import api_session_id
from tests.api.admin.admin_client import admin_client, opened_office
from tests.unit.administration.conftest import exchange


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[OfficeServices]:
    async with opened_office(tmp_path) as office:
        yield office


def call_as(office: OfficeServices, role: str):
    return admin_client(office, lambda o: [privacy_router(o.privacy)], role)


async def test_privacy_requires_admin(office: OfficeServices) -> None:
    async with call_as(office, "operator") as client:
        for path in ("/privacy/export", "/privacy/erase", "/privacy/consents"):
            assert (await client.post(path, json={"person": "42"})).status_code == 403
        assert (await client.get("/privacy/consents")).status_code == 403


async def test_privacy_export_and_erase(office: OfficeServices) -> None:
    opened = await office.conversations.open(TurnSource(SourceKind.TELEGRAM, "shop"), "42", "Иван")
    one = exchange(session_id=opened.session_id)
    await office.report_ingest.accept(DoorReport(door="bot", sequence=1, revision=1, exchanges=(one,)))
    async with call_as(office, "admin") as client:
        body = {"person": "42", "kind": "recording", "source": "telegram", "wording": "Да"}
        given = await client.post("/privacy/consents", json=body)
        assert given.status_code == 201
        export = (await client.post("/privacy/export", json={"person": "42"})).json()
        (conversation,) = export["conversations"]
        assert (conversation["person"], conversation["display_name"]) == ("42", "Иван")
        assert [message["content"] for message in conversation["messages"]] == ["Вы открыты?", "Да, до шести."]
        assert [e["turn_id"] for e in export["exchanges"]] == [one.turn_id]
        assert [c["wording"] for c in export["consents"]] == ["Да"]
        erased = await client.post("/privacy/erase", json={"person": "42", "source": "telegram"})
        counts = {"conversations": 1, "exchanges": 1, "recordings": 0, "consents": 1, "voice_consents": 0}
        assert erased.json() == {"status": "ok", **counts}
        empty = (await client.post("/privacy/export", json={"person": "42"})).json()
        assert (empty["conversations"], empty["exchanges"], empty["consents"]) == ([], [], [])


async def test_privacy_export_has_conversation_settings(office: OfficeServices) -> None:
    shop = TurnSource(SourceKind.TELEGRAM, "shop")
    opened = await office.conversations.open(shop, "42", "Иван")
    (persona, *_) = office.publisher.current.personas
    overrides = Overrides("Отвечай кратко.", persona.id, Route.parse("local"), GenerationOptions(temperature=0.5))
    admin = Identity("admin", Role.ADMIN)
    await office.chat_sessions.change(admin, opened.session_id, 1, title="Отпуск", edit=lambda _: overrides)
    async with office.database.unit_of_work() as work:
        await work.sessions.set_mode(shop, "42", "brief")
    async with call_as(office, "admin") as client:
        (conversation,) = (await client.post("/privacy/export", json={"person": "42"})).json()["conversations"]
    params = {"temperature": 0.5, "max_tokens": None, "top_p": None, "repetition_penalty": None}
    expected = {
        "title": "Отпуск",
        "system_prompt": "Отвечай кратко.",
        "persona_id": persona.id,
        "route": "local",
        "params": params,
        "mode": "brief",
    }
    assert expected == {name: conversation[name] for name in expected}


async def test_privacy_export_by_api_session(office: OfficeServices) -> None:
    (key,) = office.publisher.current.api_keys
    one = exchange(session_id=api_session_id(key.id, "session", b"chat-7"), source_kind="api", source_id="")
    await office.report_ingest.accept(DoorReport(door="gateway", sequence=1, revision=1, exchanges=(one,)))
    async with call_as(office, "admin") as client:
        body = {"person": "chat-7", "source": "api", "source_id": str(key.id)}
        assert [e["turn_id"] for e in (await client.post("/privacy/export", json=body)).json()["exchanges"]] == [
            one.turn_id
        ]
        assert (await client.post("/privacy/erase", json=body)).json()["exchanges"] == 1
        assert (await client.post("/privacy/export", json=body)).json()["exchanges"] == []
        assert (await client.post("/privacy/erase", json={**body, "source_id": "the shop"})).status_code == 400


async def test_privacy_consents(office: OfficeServices) -> None:
    async with call_as(office, "admin") as client:
        body = {"person": "42", "kind": "voice_clone", "source": "phone"}
        number = (await client.post("/privacy/consents", json=body)).json()["id"]
        assert (await client.delete(f"/privacy/consents/{number}")).json()["withdrawn_at"]
        listed = (await client.get("/privacy/consents", params={"person": "42"})).json()["consents"]
        assert [one["id"] for one in listed] == [number]
        assert (await client.delete("/privacy/consents/999")).status_code == 404


@pytest.mark.parametrize(
    "body", [{}, {"person": ""}, {"person": "x" * 201}, {"person": 42}, {"person": "42", "source": "mars"}]
)
async def test_privacy_erase_rejects_empty_person(office: OfficeServices, body: dict[str, object]) -> None:
    async with call_as(office, "admin") as client:
        for path in ("/privacy/export", "/privacy/erase"):
            assert (await client.post(path, json=body)).status_code == 400


async def test_privacy_finds_people_and_counts(office: OfficeServices) -> None:
    await office.conversations.open(TurnSource(SourceKind.TELEGRAM, "shop"), "42", "Иван Петров")
    await office.conversations.open(TurnSource(SourceKind.TELEGRAM, "shop"), "43", "Мария")
    async with call_as(office, "admin") as client:
        body = {"person": "79001234567", "kind": "storage", "source": "phone"}
        assert (await client.post("/privacy/consents", json=body)).status_code == 201
        for text, people in (("петров", ["42"]), ("@42", ["42"]), ("+7 (900) 123-45-67", ["79001234567"]), ("%", [])):
            found = (await client.get("/privacy/people", params={"search": text})).json()["people"]
            assert [each["person"] for each in found] == people, text
        counts = (await client.post("/privacy/summary", json={"person": "42"})).json()
        assert (counts["conversations"], counts["messages"], counts["recordings"]) == (1, 0, 0)
