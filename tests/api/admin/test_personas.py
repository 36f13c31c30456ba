"""Personas and prompts over the admin API."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from deployments.administration.office.composition import OfficeServices
from storage import seed
from tests.api.admin.llm_area import llm_client


@pytest.fixture
async def client(office: OfficeServices, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with llm_client(office, tmp_path / "models") as client:
        yield client


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


async def test_prompt_preview_fills_variables(client: httpx.AsyncClient, office: OfficeServices) -> None:
    before = office.publisher.current.persona("anna")
    body = {"prompt": "Ты {{name}}, сегодня {{weekday}}. {{mood}}", "language": "ru"}
    reply = (await client.post("/llm/prompt/anna/preview", json=body)).json()
    assert reply["prompt"].startswith(f"Ты {before.name}, сегодня ")
    assert (reply["prompt"].count("{{"), reply["unknown_variables"]) == (1, ["mood"])
    assert office.publisher.current.persona("anna") == before
