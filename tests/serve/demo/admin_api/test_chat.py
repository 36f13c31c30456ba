"""/admin/chat with FAQ answers and a real model."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.serve.admin_client import AdminClient, error_of

WHO, GREETING = "Who are you?", "Hello"
NOT_PREPARED = "Tell me about whales."


@pytest.fixture
def path(admin: AdminClient) -> Iterator[str]:
    """The path of a new conversation."""
    session = admin.post("/chat/sessions", {"title": "A row", "source_id": "rows"})["session"]
    path = f"/chat/sessions/{session['id']}"
    yield path
    admin.http.delete(path)


def asked(admin: AdminClient, path: str, content: str = WHO, **fields: object) -> dict[str, Any]:
    return dict(admin.post(f"{path}/messages", {"content": content, **fields}))


def messages(admin: AdminClient, path: str) -> list[dict[str, Any]]:
    return list(admin.get(path)["session"]["messages"])


def prepared(admin: AdminClient, question: str) -> str:
    return str(admin.get("/faq")["faq"][question])


def few(count: int) -> dict[str, object]:
    return {"llm_override": {"llm_params": {"max_tokens": count}}}


def test_get_sessions(admin: AdminClient, path: str) -> None:
    asked(admin, path)
    summary = admin.get("/chat/sessions", source_id="rows")["sessions"][0]
    assert path.endswith(summary["id"])
    assert (summary["title"], summary["message_count"], summary["source"]) == ("A row", 2, "admin")
    assert summary["last_message"] == prepared(admin, WHO)[:100]
    grouped = admin.get("/chat/sessions", group_by="source")
    assert grouped["grouped"] is True
    assert {"admin", "telegram", "widget", "unknown"} <= set(grouped["sessions"])
    assert summary["id"] in [each["id"] for each in grouped["sessions"]["admin"]]


def test_post_sessions(admin: AdminClient) -> None:
    made = [admin.post("/chat/sessions", body)["session"] for body in (None, {"source": "widget", "source_id": "w"})]
    assert [each["source"] for each in made] == ["admin", "widget"]
    for each in made:
        assert admin.delete(f"/chat/sessions/{each['id']}") == {"status": "ok"}


def test_post_bulk_delete(admin: AdminClient) -> None:
    ids = [admin.post("/chat/sessions")["session"]["id"] for _ in range(3)]
    assert admin.post("/chat/sessions/bulk-delete", {"session_ids": [*ids[:2], "chat_nobody"]})["deleted"] == 2
    assert [admin.http.get(f"/chat/sessions/{each}").status_code for each in ids] == [404, 404, 200]
    admin.delete(f"/chat/sessions/{ids[2]}")


def test_get_session(admin: AdminClient, path: str) -> None:
    asked(admin, path)
    session = admin.get(path)["session"]
    assert [(message["role"], message["content"]) for message in session["messages"]] == [
        ("user", WHO),
        ("assistant", prepared(admin, WHO)),
    ]
    assert {"id", "edited", "timestamp"} <= set(session["messages"][0])
    assert error_of(admin.http.get("/chat/sessions/chat_nobody"))[0] == 404


def test_put_session(admin: AdminClient, path: str) -> None:
    version = admin.get(path)["session"]["version"]
    changes = {"title": "Another title", "system_prompt": "Be brief.", "params": {"max_tokens": 2}, "version": version}
    changed = admin.put(path, changes)["session"]
    assert (changed["title"], changed["system_prompt"]) == ("Another title", "Be brief.")
    answer = asked(admin, path, NOT_PREPARED)["response"]
    assert (answer["route"], len(answer["content"].split()) <= 2) == ("local", True)
    version = admin.get(path)["session"]["version"]
    cleared = admin.put(path, {"system_prompt": None, "version": version})["session"]
    assert (cleared["title"], cleared["system_prompt"]) == ("Another title", None)


def test_delete_session(admin: AdminClient, path: str) -> None:
    asked(admin, path)
    admin.delete(path)
    assert error_of(admin.http.get(path))[0] == 404
    assert admin.get("/chat/sessions", source_id="rows")["sessions"] == []


def test_post_messages(admin: AdminClient, path: str) -> None:
    done = asked(admin, path)
    assert (done["message"]["content"], done["response"]["content"]) == (WHO, prepared(admin, WHO))
    short = asked(admin, path, NOT_PREPARED, **few(2))["response"]
    assert short["route"] == "local"
    assert 0 < len(short["content"].split()) <= 2
    elsewhere = {"content": NOT_PREPARED, "llm_override": {"llm_backend": "cloud:nobody"}}
    assert error_of(admin.http.post(f"{path}/messages", json=elsewhere)) == (404, "model_not_found")


def test_post_stream(admin: AdminClient, path: str) -> None:
    with admin.http.stream("POST", f"{path}/stream", json={"content": NOT_PREPARED, **few(12)}) as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        data = [line.removeprefix("data: ") for line in reply.iter_lines() if line.startswith("data: ")]
    assert data.pop() == "[DONE]"
    first, *chunks, last = (json.loads(event) for event in data)
    assert (first["type"], first["message"]["content"]) == ("user_message", NOT_PREPARED)
    assert len(chunks) > 1
    said = "".join(chunk["content"] for chunk in chunks if chunk["type"] == "chunk")
    assert (last["type"], last["message"]["content"].strip()) == ("assistant_message", said.strip())
    assert messages(admin, path)[-1]["content"] == last["message"]["content"]


def test_put_message(admin: AdminClient, path: str) -> None:
    question = asked(admin, path)["message"]["id"]
    asked(admin, path, "Thank you")
    done = admin.put(f"{path}/messages/{question}", {"content": GREETING})
    assert done["response"]["content"] == prepared(admin, GREETING)
    view = messages(admin, path)
    assert [message["content"] for message in view] == [GREETING, prepared(admin, GREETING)]
    assert view[0]["edited"] is True
    answer = view[1]["id"]
    assert error_of(admin.http.put(f"{path}/messages/{answer}", json={"content": "x"}))[0] == 400


def test_delete_message(admin: AdminClient, path: str) -> None:
    asked(admin, path)
    second = asked(admin, path, GREETING)["message"]["id"]
    assert admin.delete(f"{path}/messages/{second}")["deleted"] == 2
    assert [message["content"] for message in messages(admin, path)] == [WHO, prepared(admin, WHO)]


def test_post_regenerate(admin: AdminClient, path: str) -> None:
    first = asked(admin, path, NOT_PREPARED, **few(4))
    asked(admin, path, GREETING)
    again = admin.post(f"{path}/messages/{first['message']['id']}/regenerate", few(1))
    assert again["message"]["id"] == first["message"]["id"]
    assert again["response"]["id"] != first["response"]["id"]
    assert [message["id"] for message in messages(admin, path)] == [again["message"]["id"], again["response"]["id"]]
