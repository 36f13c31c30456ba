"""Stored conversations over the admin API."""

import asyncio
from pathlib import Path

import orjson
import pytest

from deployments.administration.chat.running_turns import RunningTurn
from deployments.administration.office.composition import OfficeServices
from deployments.api.admin.app import AdminApp, GateDependencies
from deployments.api.admin.chat.event_stream import event_stream
from deployments.api.admin.chat.routes import chat_router
from deployments.api.metrics import Metrics
from deployments.contracts.chat import GenerationOptions, Route
from deployments.contracts.errors import EngineFailed, ModelNotFound
from deployments.contracts.events import TextDelta, TurnFinished, TurnStarted
from tests.api.admin.admin_client import OfficeSnapshots, RoleTokens, admin_client, opened_office
from tests.api.asgi import AsgiCall
from tests.fakes.assistant import ScriptedAssistant, ScriptPause
from tests.waiting import wait_until


def call_as(office: OfficeServices, role: str, assistant: ScriptedAssistant | None = None):
    answering = assistant or ScriptedAssistant()
    return admin_client(office, lambda o: [chat_router(o.chat_sessions, o.dialogue, answering)], role)


def events(body: str) -> list[dict[str, object]]:
    lines = [line.removeprefix("data: ") for line in body.splitlines() if line.startswith("data: ")]
    assert lines[-1] == "[DONE]"
    return [orjson.loads(line) for line in lines[:-1]]


def error_param(reply) -> str:
    """The field that an error names."""
    return str(reply.json()["error"]["param"]).removeprefix("body.")


def has_text(office: OfficeServices, session_id: str) -> bool:
    """Whether the running turn of the session has produced text."""
    turn = office.running_turns.get(session_id)
    return turn is not None and any(isinstance(update, TextDelta) for update in turn.updates)


async def create_session(client, **fields: object) -> dict:
    reply = await client.post("/chat/sessions", json=fields)
    assert reply.status_code == 200, reply.text
    return reply.json()["session"]


async def test_session_is_created_listed_read_and_deleted(office: OfficeServices) -> None:
    async with call_as(office, "viewer") as client:
        session = (await client.post("/chat/sessions")).json()["session"]
        assert session["id"].startswith("chat_")
        assert (session["source"], session["owner"], session["messages"]) == ("admin", "viewer", [])
        path = f"/chat/sessions/{session['id']}"

        sent = (await client.post(f"{path}/messages", json={"content": "Привет! Как дела?"})).json()
        assert sent["message"]["id"].startswith("msg_")
        assert (sent["message"]["role"], sent["response"]["role"]) == ("user", "assistant")
        assert sent["response"]["content"] == "Добрый день. How are you?"

        listed = (await client.get("/chat/sessions")).json()
        assert (listed["total"], listed["grouped"]) == (1, False)
        summary = listed["sessions"][0]
        assert {"id", "title", "message_count", "last_message", "source", "source_id", "created", "updated"} <= set(
            summary
        )
        assert (summary["title"], summary["message_count"]) == ("Привет!", 2)
        assert summary["last_message"] == "Добрый день. How are you?"

        grouped = (await client.get("/chat/sessions", params={"group_by": "source"})).json()
        assert grouped["grouped"]
        assert {"admin", "telegram", "widget", "unknown"} <= set(grouped["sessions"])
        assert [one["id"] for one in grouped["sessions"]["admin"]] == [session["id"]]

        read = (await client.get(path)).json()["session"]
        assert [message["role"] for message in read["messages"]] == ["user", "assistant"]
        assert {"id", "role", "content", "edited", "timestamp"} <= set(read["messages"][0])
        assert (await client.delete(path)).json() == {"status": "ok"}
        for method in (client.get, client.delete):
            assert (await method(path)).status_code == 404


async def test_session_change_keeps_absent_fields_null_clears(office: OfficeServices) -> None:
    async with call_as(office, "operator") as client:
        session = await create_session(client, title="Раз", system_prompt="Кратко.", params={"temperature": 0.2})
        path = f"/chat/sessions/{session['id']}"
        assert (await client.put(path, json={"title": "Два"})).status_code == 428
        read = await client.get(path)
        tag = {"if-match": read.headers["etag"]}
        given = {"title": "Два", "route": "cloud:x", "voice_id": "anna"}
        changed = (await client.put(path, json=given, headers=tag)).json()["session"]
        assert changed["system_prompt"] == "Кратко."
        assert {name: changed[name] for name in given} == given
        assert changed["params"]["temperature"] == 0.2
        assert (await client.put(path, json={"title": "Три"}, headers=tag)).status_code == 409
        cleared = {
            "system_prompt": None,
            "route": None,
            "voice_id": None,
            "params": None,
            "version": changed["version"],
        }
        empty = (await client.put(path, json=cleared)).json()["session"]
        assert (empty["title"], empty["system_prompt"], empty["route"], empty["voice_id"]) == ("Два", None, None, None)
        assert set(empty["params"].values()) == {None}


async def test_session_invalid_field_is_named(office: OfficeServices) -> None:
    for body, status, param in (
        ({"persona_id": "nobody"}, 400, "persona_id"),
        ({"route": "mars"}, 404, "model"),
        ({"params": {"temperature": 9}}, 400, "params.temperature"),
        ({"params": {"temprature": 1}}, 400, "params.temprature"),
        ({"title": "x" * 300}, 400, "title"),
        ({"title": 7}, 400, "title"),
        ({"source": "mars"}, 400, "source"),
    ):
        async with call_as(office, "admin") as client:
            reply = await client.post("/chat/sessions", json=body)
            assert (reply.status_code, error_param(reply)) == (status, param), reply.text
            assert (await client.get("/chat/sessions")).json()["total"] == 0


async def test_llm_override_is_validated_and_applied(office: OfficeServices) -> None:
    assistant = ScriptedAssistant()
    async with call_as(office, "viewer", assistant) as client:
        path = f"/chat/sessions/{(await create_session(client))['id']}"
        override = {
            "llm_backend": "cloud:x",
            "system_prompt": "Как пират.",
            "llm_params": {"temperature": 0, "max_tokens": 9, "top_p": 1},
        }
        for target in ("messages", "stream"):
            body = {"content": "q", "llm_override": override}
            assert (await client.post(f"{path}/{target}", json=body)).status_code == 200
        for turn in assistant.turns:
            assert (turn.route, turn.system_prompt) == (Route.parse("cloud:x"), "Как пират.")
            assert turn.options == GenerationOptions(temperature=0, max_tokens=9, top_p=1)
        for wrong, status in (
            ({"llm_backend": "mars"}, 404),
            ({"llm_params": {"temperature": 3}}, 400),
            ({"llm_params": {"heat": 1}}, 400),
            ({"backend": "local"}, 400),
        ):
            reply = await client.post(f"{path}/stream", json={"content": "q", "llm_override": wrong})
            assert reply.status_code == status, reply.text
        assert (await client.get(path)).json()["session"]["message_count"] == 4


async def test_question_blank_or_too_long_is_rejected(office: OfficeServices) -> None:
    for content in (
        "",
        "   ",
        None,
        7,
        "x" * 100_001,
    ):
        async with call_as(office, "viewer") as client:
            session = await create_session(client)
            for target in ("messages", "stream"):
                reply = await client.post(f"/chat/sessions/{session['id']}/{target}", json={"content": content})
                assert (reply.status_code, error_param(reply)) == (400, "content")


async def test_stream_sends_numbered_legacy_events(office: OfficeServices) -> None:
    async with call_as(office, "viewer") as client:
        session = await create_session(client)
        reply = await client.post(f"/chat/sessions/{session['id']}/stream", json={"content": "Привет"})
        assert reply.headers["content-type"].startswith("text/event-stream")
        received = events(reply.text)
        assert [event["type"] for event in received] == ["user_message", *["chunk"] * 3, "assistant_message"]
        assert "".join(str(event["content"]) for event in received[1:-1]) == received[-1]["message"]["content"]  # type: ignore[index]
        assert [line for line in reply.text.splitlines() if line.startswith("id: ")] == [
            f"id: {n}" for n in range(1, 6)
        ]


async def test_engine_failure_is_an_error_and_no_answer(office: OfficeServices) -> None:
    script = [TurnStarted("t"), TextDelta("Доб"), EngineFailed("the model died")]
    async with call_as(office, "viewer", ScriptedAssistant(script=script)) as client:
        path = f"/chat/sessions/{(await create_session(client))['id']}"
        streamed = await client.post(f"{path}/stream", json={"content": "q"})
        last = events(streamed.text)[-1]
        assert (last["type"], last["content"], last["code"]) == ("error", "the model died", "engine_failed")
        waited = await client.post(f"{path}/messages", json={"content": "q"})
        assert (waited.status_code, waited.json()["error"]["code"]) == (503, "engine_failed")
        messages = (await client.get(path)).json()["session"]["messages"]
        assert [message["role"] for message in messages] == ["user", "user"]


async def test_stream_unserved_route_is_404(office: OfficeServices) -> None:
    refusing = ScriptedAssistant(rejection=ModelNotFound("no model answers on route 'cloud:x'", param="model"))
    async with call_as(office, "viewer", refusing) as client:
        session = await create_session(client)
        body = {"content": "q", "llm_override": {"llm_backend": "cloud:x"}}
        reply = await client.post(f"/chat/sessions/{session['id']}/stream", json=body)
        assert (reply.status_code, reply.json()["error"]["code"]) == (404, "model_not_found")


async def test_stream_client_disconnects_answer_is_stored(office: OfficeServices) -> None:
    script = [TurnStarted("t"), TextDelta("а"), ScriptPause(0.05), TextDelta("б"), TurnFinished(route="local")]
    assistant = ScriptedAssistant(script=script)
    async with call_as(office, "viewer", assistant) as client:
        session = await create_session(client)
    app = AdminApp(
        GateDependencies(RoleTokens(), OfficeSnapshots(office), Metrics()),
        [chat_router(office.chat_sessions, office.dialogue, assistant)],
    )
    call = AsgiCall(f"/chat/sessions/{session['id']}/stream", orjson.dumps({"content": "q"}))
    scope = call.scope() | {"headers": [(b"authorization", b"Bearer viewer"), (b"content-type", b"application/json")]}
    request = asyncio.create_task(app(scope, call.receive, call.send))
    await call.wait_for_body()
    call.disconnected.set()
    await asyncio.wait_for(request, 5)
    await wait_until(lambda: office.running_turns.get(session["id"]) is None, 5)
    async with call_as(office, "viewer") as client:
        messages = (await client.get(f"/chat/sessions/{session['id']}")).json()["session"]["messages"]
    assert [message["content"] for message in messages] == ["q", "аб"]


async def test_stream_of_silent_model_sends_heartbeats() -> None:
    turn = RunningTurn("chat_x", "ann")
    blocks = event_stream(turn, heartbeat_s=0.01).body_iterator
    assert (await anext(blocks)).startswith(b":")
    turn.add_update(TextDelta("а"))
    turn.end()
    rest = [block async for block in blocks]
    assert rest[-2:] == [b'id: 1\ndata: {"type":"chunk","content":"\xd0\xb0"}\n\n', b"data: [DONE]\n\n"]


async def test_branches_edit_regenerate_and_switch(office: OfficeServices) -> None:
    async with call_as(office, "viewer") as client:
        path = f"/chat/sessions/{(await create_session(client))['id']}"
        first = (await client.post(f"{path}/messages", json={"content": "раз"})).json()
        question, answer = first["message"]["id"], first["response"]["id"]

        edited = (await client.put(f"{path}/messages/{question}", json={"content": "два"})).json()
        assert (edited["message"]["edited"], edited["message"]["parent_id"]) == (True, None)
        again = (await client.post(f"{path}/messages/{answer}/regenerate")).json()
        assert (again["message"]["id"], again["response"]["parent_id"]) == (question, question)

        branches = (await client.get(f"{path}/branches")).json()["branches"]
        assert len(branches) == 3
        assert [branch["leaf"] for branch in branches if branch["current"]] == [again["response"]["id"]]
        viewed = (await client.put(f"{path}/branch", json={"leaf": edited["response"]["id"]})).json()["session"]
        assert viewed["messages"][0]["content"] == "два"
        assert viewed["messages"][0]["versions"] == [question, edited["message"]["id"]]

        streamed = await client.put(f"{path}/messages/{question}?stream=true", json={"content": "три"})
        assert events(streamed.text)[0]["message"]["content"] == "три"  # type: ignore[index]

        assert (await client.put(f"{path}/messages/{answer}", json={"content": "x"})).status_code == 400
        assert (await client.delete(f"{path}/messages/{question}")).json() == {"status": "ok", "deleted": 3}
        for unknown in ("msg_999999", "999999", "nonsense", "msg_-1", "msg_" + "9" * 40):
            assert (await client.delete(f"{path}/messages/{unknown}")).status_code == 404


@pytest.mark.long
async def test_message_id_out_of_range_is_404(tmp_path: Path, postgres_url: str) -> None:
    async with opened_office(tmp_path, postgres_url) as office, call_as(office, "viewer") as client:
        path = f"/chat/sessions/{(await create_session(client))['id']}"
        for unknown in ("msg_2147483647", "msg_2147483648", "999999999999999"):
            for reply in (
                await client.put(f"{path}/branch", json={"leaf": unknown}),
                await client.put(f"{path}/messages/{unknown}", json={"content": "x"}),
                await client.post(f"{path}/messages/{unknown}/regenerate"),
                await client.delete(f"{path}/messages/{unknown}"),
            ):
                assert reply.status_code == 404, reply.request.url


async def test_running_turns_are_limited_per_user(office: OfficeServices) -> None:
    slow = ScriptedAssistant(script=[TurnStarted("t"), TextDelta("Доб"), ScriptPause(60)])
    async with call_as(office, "viewer", slow) as client, call_as(office, "operator") as other:
        paths = [f"/chat/sessions/{(await create_session(client))['id']}" for _ in range(5)]
        pending = [asyncio.create_task(client.post(f"{path}/messages", json={"content": "q"})) for path in paths[:4]]
        await wait_until(lambda: slow.open_streams == 4, 5)
        refused = await client.post(f"{paths[4]}/messages", json={"content": "q"})
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
        path = f"/chat/sessions/{(await create_session(other))['id']}"
        assert (await other.post(f"{path}/messages", json={"content": "q"})).status_code == 200
        assert (await client.post(f"{paths[0]}/stop")).json() == {"stopped": True}
        await pending[0]
        again = asyncio.create_task(client.post(f"{paths[4]}/messages", json={"content": "q"}))
        await wait_until(lambda: slow.open_streams == 4, 5)
        for each in (*paths[1:4], paths[4]):
            await client.post(f"{each}/stop")
        await asyncio.gather(*pending, again)


async def test_running_turn_conflicts_and_can_be_stopped(office: OfficeServices) -> None:
    slow = ScriptedAssistant(script=[TurnStarted("t"), TextDelta("Доб"), ScriptPause(60)])
    async with call_as(office, "viewer", slow) as client:
        path = f"/chat/sessions/{(await create_session(client))['id']}"
        first = asyncio.create_task(client.post(f"{path}/messages", json={"content": "q"}))
        await wait_until(lambda: has_text(office, path.removeprefix("/chat/sessions/")), 5)
        assert (await client.post(f"{path}/stream", json={"content": "q"})).status_code == 409
        assert (await client.post(f"{path}/stop")).json() == {"stopped": True}
        assert (await first).json()["response"]["content"] == "Доб"


async def test_viewer_gets_404_for_sessions_of_others(office: OfficeServices) -> None:
    async with call_as(office, "operator") as client:
        foreign = (await create_session(client, title="чужое"))["id"]
    async with call_as(office, "viewer") as client:
        own = (await create_session(client))["id"]
        path = f"/chat/sessions/{foreign}"
        body = {"content": "q"}
        for reply in (
            await client.get(path),
            await client.get(f"{path}/export"),
            await client.get(f"{path}/branches"),
            await client.put(path, json={"title": "x", "version": 1}),
            await client.put(f"{path}/branch", json={"leaf": "msg_1"}),
            await client.put(f"{path}/messages/msg_1", json=body),
            await client.post(f"{path}/messages", json=body),
            await client.post(f"{path}/stream", json=body),
            await client.post(f"{path}/stop"),
            await client.post(f"{path}/title"),
            await client.post(f"{path}/messages/msg_1/regenerate"),
            await client.delete(f"{path}/messages/msg_1"),
            await client.delete(path),
        ):
            assert reply.status_code == 404, reply.request.url
        deleted = await client.post("/chat/sessions/bulk-delete", json={"session_ids": [foreign, own, own]})
        assert deleted.json() == {"status": "ok", "deleted": 1}
        assert (await client.get("/chat/sessions", params={"owner": "operator"})).json()["total"] == 0
        assert (await client.post("/chat/sessions", json={"source": "widget"})).status_code == 403
    async with call_as(office, "admin") as client:
        assert (await client.get("/chat/sessions")).json()["total"] == 1
        assert (await client.get("/chat/sessions", params={"search": "ЧУЖОЕ"})).json()["total"] == 1


async def test_session_export_formats(office: OfficeServices) -> None:
    for format_, type_ in (
        ("json", "application/json"),
        ("txt", "text/plain"),
        ("md", "markdown"),
    ):
        async with call_as(office, "viewer") as client:
            path = f"/chat/sessions/{(await create_session(client, title='Разговор'))['id']}"
            await client.post(f"{path}/messages", json={"content": "Привет"})
            reply = await client.get(f"{path}/export", params={"format": format_})
            assert type_ in reply.headers["content-type"]
            assert reply.headers["content-disposition"].endswith(f'.{format_}"')
            for text in ("Разговор", "Привет", "Добрый день. How are you?"):
                assert text in reply.text
            assert (await client.get(f"{path}/export", params={"format": "exe"})).status_code == 400


async def test_session_page_has_total(office: OfficeServices) -> None:
    async with call_as(office, "viewer") as client:
        for _ in range(3):
            await create_session(client)
        page = (await client.get("/chat/sessions", params={"limit": 2, "offset": 2})).json()
        assert (len(page["sessions"]), page["total"], page["limit"], page["offset"]) == (1, 3, 2, 2)
        assert (await client.get("/chat/sessions", params={"limit": 501})).status_code == 400


async def test_title_is_suggested_by_the_model(office: OfficeServices) -> None:
    async with call_as(office, "viewer", ScriptedAssistant(deltas=("Цена ёлки",))) as client:
        path = f"/chat/sessions/{(await create_session(client))['id']}"
        assert (await client.post(f"{path}/title")).status_code == 400
        await client.post(f"{path}/messages", json={"content": "Сколько?"})
        assert (await client.post(f"{path}/title")).json() == {"title": "Цена ёлки"}
