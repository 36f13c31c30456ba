"""Personas, models, providers and route chains over the admin API."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from deployments.administration.bots.buttons import ButtonDraft
from deployments.administration.bots.service import BotDraft
from deployments.administration.llm.provider_test import ProviderTestResult
from deployments.administration.office.composition import OfficeServices
from deployments.administration.widgets.service import WidgetDraft
from deployments.api.admin.llm.models import models_router
from deployments.api.admin.llm.personas import personas_router
from deployments.api.admin.llm.providers import chains_router, providers_router
from deployments.api.admin.path_permissions import required_role
from deployments.contracts.identity import Role
from deployments.contracts.providers import ProviderSpec
from deployments.models.store import ModelStore
from storage import seed
from storage.secrets import Sealer
from tests.api.admin.admin_client import admin_client
from tests.api.admin.scripted_secretary import scripted_secretary
from tests.unit.administration.switching_replica import SwitchOffice

KEY = "sk-live-0123456789abcdef"
LINK = "vless://11111111-2222-3333-4444-555555555555@secret-host.example.org:443?security=tls#x"


async def untested(spec: ProviderSpec) -> ProviderTestResult:
    return ProviderTestResult(available=False, message=f"{spec.name} is not tested here")


@pytest.fixture
async def client(office: OfficeServices, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    assistant = await scripted_secretary(office)
    models = SwitchOffice(office.database, ModelStore(tmp_path / "models")).models
    async with admin_client(
        office,
        lambda o: [
            personas_router(o.personas, o.settings, o.publisher),
            models_router(o.settings, o.publisher, assistant, o.providers, models),
            providers_router(o.providers, untested),
            chains_router(o.chains),
        ],
    ) as client:
        yield client


async def create_provider(client: httpx.AsyncClient, name: str = "Мой Gemini", **fields: object) -> dict:
    body = {"name": name, "provider_type": "gemini", "model_name": "gemini-2.5-flash", **fields}
    reply = await client.post("/llm/providers", json=body)
    assert reply.status_code == 201, reply.text
    return reply.json()["provider"]


async def test_prompt_is_written_and_reset(client: httpx.AsyncClient, office: OfficeServices) -> None:
    original = {persona.id: persona for persona in seed.personas()}["anna"]
    read_prompt = await client.get("/llm/prompt")
    read = read_prompt.json()
    assert (read["persona"], read["prompt"]) == ("anna", original.prompts["ru"])
    written = await client.post("/llm/prompt", json={"prompt": "Ты робот."})
    assert written.json()["prompt"] == "Ты робот."
    assert office.publisher.current.persona("anna").prompts == {**original.prompts, "ru": "Ты робот."}
    english = await client.post("/llm/prompt/anna", json={"prompt": "You are a robot.", "language": "en"})
    assert english.json()["prompts"] == {"ru": "Ты робот.", "en": "You are a robot."}
    stale = {"if-match": read_prompt.headers["etag"]}
    assert (await client.post("/llm/prompt/anna", json={"prompt": "x"}, headers=stale)).status_code == 409
    reset = await client.post("/llm/prompt/anna/reset")
    assert reset.json()["prompts"] == original.prompts
    for path in ("/llm/prompt/nobody", "/llm/personas/x%2Fy"):
        assert (await client.get(path)).status_code == 404
    assert (await client.post("/llm/prompt/nobody/reset")).status_code == 404
    blank = await client.post("/llm/prompt/anna", json={"prompt": "  "})
    assert (blank.status_code, blank.json()["error"]["param"]) == (400, "prompt")


async def test_persona_lifecycle_with_versions(client: httpx.AsyncClient) -> None:
    body = {"name": "Ольга", "prompts": {"ru": "Ты Ольга."}}
    made = await client.post("/llm/personas", json=body)
    assert (made.status_code, made.json()["id"]) == (201, "persona")
    assert (await client.post("/llm/personas", json={**body, "id": "anna"})).status_code == 409
    assert (await client.post("/llm/prompt/persona/reset")).status_code == 404
    path = "/llm/personas/persona"
    changed = {**body, "prompts": {"ru": "Ты другая Ольга."}}
    assert (await client.put(path, json=changed)).status_code == 428
    done = await client.put(path, json=changed, headers={"if-match": made.headers["etag"]})
    assert done.status_code == 200
    stale = await client.put(path, json=body, headers={"if-match": made.headers["etag"]})
    assert stale.status_code == 409
    chosen = await client.post("/llm/persona", json={"persona": "persona"})
    assert chosen.json() == {"status": "ok", "id": "persona", "name": "Ольга"}
    assert (await client.get("/llm/persona")).json()["id"] == "persona"
    assert (await client.delete(path)).status_code == 409
    unknown = await client.post("/llm/persona", json={"persona": "nobody"})
    assert unknown.status_code == 404
    assert "anna" in unknown.json()["detail"]
    await client.post("/llm/persona", json={"persona": "anna"})
    assert (await client.delete(path)).status_code == 204
    personas = (await client.get("/llm/personas")).json()["personas"]
    assert set(personas) == {"anna", "gulya", "lidia", "marina"}
    assert personas["anna"]["default"] is True
    assert personas["anna"]["full_name"] == "Анна"


async def test_prompt_variables_are_checked_and_restored(client: httpx.AsyncClient, office: OfficeServices) -> None:
    read = await client.get("/llm/personas/gulya")
    body = {name: read.json()[name] for name in ("name", "prompts", "voices", "variables")}
    own = body["variables"] | {"ru": {"firm": "Ромашка"}}
    changed = body | {"variables": own, "prompts": body["prompts"] | {"ru": "Ты {{ name }} из {{firm}}, {{date}}."}}
    done = await client.put("/llm/personas/gulya", json=changed, headers={"if-match": read.headers["etag"]})
    assert done.json()["variables"] == own
    for prompt, unknown in (
        ("{{frim}} {{firm}}", "{{frim}};"),
        ("{{}}", "{{}};"),
        ("{{a b}}{{Name}}", "{{a b}}, {{Na"),
    ):
        refused = await client.post("/llm/prompt/gulya", json={"prompt": prompt, "language": "ru"})
        error = refused.json()["error"]
        assert (refused.status_code, error["param"]) == (400, "prompts.ru")
        assert f"unknown variables {unknown}" in error["message"]
        assert "known: name, date, time, weekday, firm" in error["message"]
    assert (await client.post("/llm/prompt/gulya", json={"prompt": '{"a": {b}}', "language": "ru"})).is_success
    reset = await client.post("/llm/prompt/gulya/reset")
    original = {persona.id: persona for persona in seed.personas()}["gulya"]
    assert reset.json()["prompts"] == original.prompts
    restored = office.publisher.current.persona("gulya").variables
    assert restored["ru"] == original.variables["ru"] | own["ru"]


async def test_persona_has_route_and_parameters(client: httpx.AsyncClient, office: OfficeServices) -> None:
    body = {"id": "fast", "name": "Fast", "prompts": {"en": "Be fast."}}
    for fields, param in (
        ({"route": "local:none"}, "route"),
        ({"route": "cloud:none"}, "route"),
        ({"route": "chain:none"}, "route"),
        ({"route": "nonsense"}, "route"),
        ({"llm_params": {"temperature": 2.1}}, "llm_params.temperature"),
        ({"llm_params": {"max_tokens": 0}}, "llm_params.max_tokens"),
        ({"llm_params": {"top_p": 0}}, "llm_params.top_p"),
        ({"llm_params": {"repetition_penalty": 9}}, "llm_params.repetition_penalty"),
        ({"llm_params": {"seed": 1}}, "llm_params.seed"),
        ({"variables": {"en": {"date": "today"}}}, "variables.en"),
        ({"variables": {"en": {"Name": "x"}}}, "variables.en.Name"),
        ({"variables": {"en": {"a": "x" * 1_001}}}, "variables.en.a"),
    ):
        refused = await client.post("/llm/personas", json=body | fields)
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, param), fields
    own = {"temperature": 0.1, "max_tokens": 9, "top_p": 0.5, "repetition_penalty": 1.2}
    made = await client.post("/llm/personas", json=body | {"route": "local:chat:tone", "llm_params": own})
    assert (made.json()["route"], made.json()["llm_params"]) == ("local:chat:tone", own)
    stored = office.publisher.current.persona("fast")
    assert (stored.route, stored.llm_params.model_dump()) == ("local:chat:tone", own)


async def test_fallback_answers_are_edited_per_language(client: httpx.AsyncClient, office: OfficeServices) -> None:
    read = await client.get("/llm/personas/anna")
    persona = read.json()
    assert set(persona["fallback_answers"]) == {"ru", "en"}
    body = {name: persona[name] for name in ("name", "prompts", "voices")}
    body["fallback_answers"] = {**persona["fallback_answers"], "ru": "Спросите на стойке."}
    done = await client.put("/llm/personas/anna", json=body, headers={"if-match": read.headers["etag"]})
    assert done.json()["fallback_answers"]["ru"] == "Спросите на стойке."
    assert office.publisher.current.persona("anna").fallback_answers == body["fallback_answers"]
    for answers in ({"russian": "x"}, {"ru": "x" * 4_001}, "x"):
        refused = await client.post("/llm/personas", json={**body, "fallback_answers": answers})
        assert refused.status_code == 400


async def test_provider_has_languages(client: httpx.AsyncClient, office: OfficeServices) -> None:
    made = await create_provider(client, languages=["ru", "en"])
    assert made["languages"] == ["ru", "en"]
    assert office.publisher.current.providers[0].languages == ("ru", "en")
    assert (await create_provider(client, "Другой"))["languages"] == []
    body = {"name": "x", "provider_type": "gemini", "model_name": "m", "languages": ["russian"]}
    assert (await client.post("/llm/providers", json=body)).status_code == 400


async def test_persona_invalid_field_is_rejected(client: httpx.AsyncClient) -> None:
    for body in (
        {"name": "x", "prompts": {}},
        {"name": "x", "prompts": {"ru": " "}},
        {"name": "", "prompts": {"ru": "x"}},
        {"name": "x", "prompts": {"ru": "x" * 20_001}},
        {"name": "x", "prompts": {"russian": "x"}},
        {"name": "x\0", "prompts": {"ru": "x"}},
        {"name": "x", "prompts": {"ru": "x"}, "id": "Анна"},
    ):
        assert (await client.post("/llm/personas", json=body)).status_code == 400


async def test_sampling_is_changed_within_its_ranges(client: httpx.AsyncClient, office: OfficeServices) -> None:
    done = await client.post("/llm/params", json={"temperature": 0.2, "repetition_penalty": 1.3})
    assert done.json()["params"] == {"temperature": 0.2, "max_tokens": 512, "top_p": 0.9, "repetition_penalty": 1.3}
    assert office.publisher.current.settings.llm.repetition_penalty == 1.3
    assert (await client.get("/llm/params")).json()["params"]["temperature"] == 0.2
    for field, value in (("temperature", 2.1), ("max_tokens", 0), ("top_p", 0), ("repetition_penalty", 9)):
        refused = await client.post("/llm/params", json={field: value})
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, field)
    assert (await client.post("/llm/params", json={"temprature": 1})).status_code == 400


async def test_backend_must_exist_and_be_enabled(client: httpx.AsyncClient, office: OfficeServices) -> None:
    now = (await client.get("/llm/backend")).json()
    assert (now["backend"], now["model"], now["ready"]) == ("local", "echo", True)
    made = await create_provider(client, enabled=False)
    off = await client.post("/llm/backend", json={"backend": f"cloud:{made['id']}"})
    assert off.status_code == 409
    on = await client.put(f"/llm/providers/{made['id']}", json={"enabled": True, "version": made["version"]})
    assert on.status_code == 200
    done = (await client.post("/llm/backend", json={"backend": "gemini", "stop_unused": True})).json()
    assert (done["backend"], done["provider_type"]) == (f"cloud:{made['id']}", "gemini")
    assert "graph" in done["message"]
    assert office.publisher.current.settings.default_route == f"cloud:{made['id']}"
    assert (await client.delete(f"/llm/providers/{made['id']}")).status_code == 409
    assert (await client.post("/llm/backend", json={"backend": "local:nowhere"})).status_code == 404
    unknown = await client.post("/llm/backend", json={"backend": "cloud:nowhere"})
    assert unknown.status_code == 404
    assert made["id"] in unknown.json()["detail"]
    assert (await client.post("/llm/backend", json={"backend": "vllm"})).json()["backend"] == "local"
    models = (await client.get("/llm/models")).json()
    assert models["available_models"] == {"local": "echo", f"cloud:{made['id']}": "gemini-2.5-flash"}


async def test_model_is_that_of_the_default_route(client: httpx.AsyncClient, office: OfficeServices) -> None:
    assert (await client.get("/llm/model")).json() == {"status": "ok", "model": "echo", "backend": "local"}
    assert (await client.post("/llm/model", json={"model": "echo"})).status_code == 200
    refused = await client.post("/llm/model", json={"model": "gemini-2.5-pro"})
    assert (refused.status_code, refused.json()["error"]["param"]) == (409, "model")
    made = await create_provider(client)
    await client.post("/llm/backend", json={"backend": f"cloud:{made['id']}"})
    changed = await client.post("/llm/model", json={"model": "gemini-2.5-pro"})
    assert changed.json() == {"status": "ok", "model": "gemini-2.5-pro", "backend": f"cloud:{made['id']}"}
    assert office.publisher.current.providers[0].model_name == "gemini-2.5-pro"


async def test_provider_changes_require_admin_role() -> None:
    assert required_role("/llm/model", "POST") is required_role("/llm/providers", "POST") is Role.ADMIN
    assert required_role("/llm/models", "GET") is Role.VIEWER


async def test_shared_history_is_gone(client: httpx.AsyncClient) -> None:
    for reply in (await client.get("/llm/history"), await client.delete("/llm/history")):
        assert (reply.status_code, reply.json()["error"]["code"]) == (410, "gone")


async def test_provider_secrets_are_never_returned(client: httpx.AsyncClient, office: OfficeServices) -> None:
    made = await create_provider(client, api_key=KEY, vless_urls=[LINK], is_default=True)
    assert (made["id"], made["api_key"], made["has_key"]) == ("мой-gemini", "****cdef", True)
    assert (made["proxies"], made["is_default"]) == (1, True)
    everything = "".join(
        [
            (await client.get("/llm/providers")).text,
            (await client.get(f"/llm/providers/{made['id']}")).text,
            repr(office.publisher.current),
            str([event async for event in _audit_events(office)]),
        ]
    )
    stored = office.publisher.current.providers[0]
    for secret in (KEY, "secret-host", "11111111", stored.sealed_api_key, stored.sealed_proxies):
        assert secret not in everything
    sealer = Sealer.from_file(office.database.path.parent / "secret.key")
    assert sealer.open(stored.sealed_api_key) == KEY
    assert sealer.open(stored.sealed_proxies) == LINK


async def _audit_events(office: OfficeServices):
    async with office.database.unit_of_work() as work:
        for event in await work.audit.newest(100):
            yield event


async def test_provider_private_server_must_be_allowed(client: httpx.AsyncClient, office: OfficeServices) -> None:
    body = {"name": "ours", "provider_type": "custom", "model_name": "m", "base_url": "http://127.0.0.1:8000/v1"}
    refused = await client.post("/llm/providers", json=body)
    assert refused.status_code == 403
    assert "outbound.allowed_hosts" in refused.json()["detail"]
    await office.settings.update_fields(
        {"allowed_hosts": ["127.0.0.1:8000"]}, "anna", group="outbound", role=Role.ADMIN
    )
    made = await client.post("/llm/providers", json=body)
    assert made.status_code == 201
    path, version = f"/llm/providers/{made.json()['provider']['id']}", made.json()["provider"]["version"]
    moved = await client.put(path, json={"base_url": "http://169.254.169.254/latest", "version": version})
    assert moved.status_code == 403


async def test_provider_key_is_bound_to_its_server(client: httpx.AsyncClient, office: OfficeServices) -> None:
    await office.settings.update_fields({"allowed_hosts": ["10.0.0.0/24"]}, "anna", group="outbound", role=Role.ADMIN)
    made = await create_provider(
        client, "Свой", provider_type="custom", base_url="http://10.0.0.1:8000/v1/", api_key=KEY
    )
    path, version = f"/llm/providers/{made['id']}", made["version"]

    async def put(**changes: object) -> dict:
        nonlocal version
        reply = await client.put(path, json={**changes, "version": version})
        assert reply.status_code == 200, reply.text
        version = reply.json()["provider"]["version"]
        return reply.json()["provider"]

    assert (await put(api_key="", description="x"))["has_key"]
    assert (await put(base_url="http://10.0.0.1:8000/v2"))["has_key"], "the same origin"
    assert not (await put(base_url="http://10.0.0.2:8000/v2"))["has_key"]
    assert (await put(base_url="http://10.0.0.3:8000", api_key="another-key-xyz9"))["api_key"] == "****xyz9"
    cleared = await put(api_key=None, vless_urls=None)
    assert (cleared["has_key"], cleared["api_key"], cleared["proxies"]) == (False, "", 0)
    assert (await client.put(path, json={"name": "y", "version": 1})).status_code == 409
    assert (await client.put(path, json={"name": "y"})).status_code == 428


async def test_provider_invalid_field_is_rejected(client: httpx.AsyncClient) -> None:
    for body, param in (
        ({"provider_type": "skynet"}, "provider_type"),
        ({"provider_type": "custom"}, None),
        ({"base_url": "ftp://x"}, "base_url"),
        ({"base_url": "http://user:pass@host"}, "base_url"),
        ({"base_url": "http://host:99999"}, "base_url"),
        ({"name": ""}, "name"),
        ({"name": "x\0y"}, None),
        ({"params": {"temperature": 9}}, None),
        ({"vless_urls": ["http://example.org"]}, None),
        ({"vless_urls": "vless://x"}, "vless_urls"),
        ({"api_key": "x" * 1001}, "api_key"),
        ({"unknown": 1}, "unknown"),
    ):
        whole = {"name": "x", "provider_type": "openai", "model_name": "gpt-4o", **body}
        reply = await client.post("/llm/providers", json=whole)
        assert reply.status_code == 400, reply.text
        if param is not None:
            assert reply.json()["error"]["param"] == param
        assert "x" * 1001 not in reply.text


async def test_provider_names_are_unique_ids_numbered(client: httpx.AsyncClient) -> None:
    first = await create_provider(client, "Один/два 🚚")
    assert first["id"] == "один-два"
    again = {"name": "Один/два 🚚", "provider_type": "openai", "model_name": "x"}
    assert (await client.post("/llm/providers", json=again)).status_code == 409
    assert (await create_provider(client, "один два"))["id"] == "один-два-2"
    assert (await create_provider(client, "🚚"))["id"] == "provider"


async def test_one_provider_is_the_default(client: httpx.AsyncClient, office: OfficeServices) -> None:
    one, two = await create_provider(client, "один"), await create_provider(client, "два")
    await client.post(f"/llm/providers/{one['id']}/set-default")
    await client.post(f"/llm/providers/{two['id']}/set-default")
    assert [each.id for each in office.publisher.current.providers if each.is_default] == [two["id"]]
    assert (await client.post("/llm/providers/none/set-default")).status_code == 404


async def test_delete_is_refused_while_something_uses_it(client: httpx.AsyncClient, office: OfficeServices) -> None:
    provider = await create_provider(client, "занят")
    await client.post("/llm/routes", json={"name": "запас", "routes": ["local"]})
    persona = {"name": "Ольга", "prompts": {"ru": "Ты Ольга."}, "route": provider["route"]}
    assert (await client.post("/llm/personas", json=persona)).status_code == 201
    button = ButtonDraft(id="b", label="Кнопка", route="gemini")
    bot = await office.bots.create(
        BotDraft(name="Бот", token="123456:AAH-secret-token-wxyz", action_buttons=(button,)), "test"
    )
    widget = await office.widgets.create(WidgetDraft(name="Сайт", route="chain:запас", persona_id="persona"), "test")
    used = {
        f"/llm/providers/{provider['id']}": "persona Ольга, bot Бот:",
        "/llm/routes/запас": "widget Сайт:",
        "/llm/personas/persona": "widget Сайт:",
    }
    for path, users in used.items():
        refused = await client.delete(path)
        assert (refused.status_code, f"used by {users}" in refused.json()["detail"]) == (409, True), refused.text
    await office.bots.delete(bot.id, "test")
    await office.widgets.delete(widget.id, "test")
    for path in reversed(used):
        assert (await client.delete(path)).status_code in (200, 204)


async def test_prompt_preview_fills_variables(client: httpx.AsyncClient, office: OfficeServices) -> None:
    before = office.publisher.current.persona("anna")
    body = {"prompt": "Ты {{name}}, сегодня {{weekday}}. {{mood}}", "language": "ru"}
    reply = (await client.post("/llm/prompt/anna/preview", json=body)).json()
    assert reply["prompt"].startswith(f"Ты {before.name}, сегодня ")
    assert (reply["prompt"].count("{{"), reply["unknown_variables"]) == (1, ["mood"])
    assert office.publisher.current.persona("anna") == before


async def test_chain_routes_exist_and_are_acyclic(client: httpx.AsyncClient, office: OfficeServices) -> None:
    made = await create_provider(client, "один")
    cloud = f"cloud:{made['id']}"
    first = await client.post("/llm/routes", json={"name": "запас", "routes": [cloud, "vllm"]})
    assert first.status_code == 201, first.text
    assert first.json()["routes"] == [cloud, "local"]
    second = await client.post("/llm/routes", json={"name": "b", "routes": ["chain:запас", "local::tone"]})
    assert (second.status_code, second.json()["routes"]) == (201, ["chain:запас", "local:chat:tone"])
    circle = await client.put("/llm/routes/запас", json={"routes": ["chain:b"], "version": 1})
    assert (circle.status_code, circle.json()["error"]["param"]) == (400, "routes")
    for routes in (
        ["cloud:none"],
        ["chain:none"],
        ["local:none"],
        ["local", "local:chat"],
        [],
        ["local"] * 9,
        ["chain:c"],
        [None],
    ):
        refused = await client.post("/llm/routes", json={"name": "c", "routes": routes})
        assert refused.status_code == 400, routes
    assert (await client.delete("/llm/routes/запас")).status_code == 409
    assert (await client.delete(f"/llm/providers/{made['id']}")).status_code == 409
    assert {chain.name for chain in office.publisher.current.chains} == {"запас", "b"}
    for name in ("b", "запас"):
        assert (await client.delete(f"/llm/routes/{name}")).status_code == 204
    assert (await client.delete(f"/llm/providers/{made['id']}")).status_code == 200
    assert office.publisher.current.providers == ()


async def test_providers_are_hidden_from_viewers(office: OfficeServices) -> None:
    async with admin_client(office, lambda o: [providers_router(o.providers, untested)], "viewer") as client:
        assert (await client.get("/llm/providers")).status_code == 403
    async with admin_client(office, lambda o: [providers_router(o.providers, untested)], "operator") as client:
        assert (await client.get("/llm/providers")).status_code == 200
        assert (await client.post("/llm/providers", json={})).status_code == 403
