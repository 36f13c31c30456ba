"""/admin/chat with FAQ answers and a real model."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.serve.admin_client import AdminClient, error_of

WHO, CONTACT = "Who are you?", "How can I contact you?"
NOT_PREPARED = "Tell me about whales."


@pytest.fixture
def path(office: AdminClient) -> Iterator[str]:
    """The path of a new conversation."""
    session = office.post("/chat/sessions", {"title": "A row", "source_id": "rows"})["session"]
    path = f"/chat/sessions/{session['id']}"
    yield path
    office.http.delete(path)


def asked(office: AdminClient, path: str, content: str = WHO, **fields: object) -> dict[str, Any]:
    return dict(office.post(f"{path}/messages", {"content": content, **fields}))


def messages(office: AdminClient, path: str) -> list[dict[str, Any]]:
    return list(office.get(path)["session"]["messages"])


def prepared(office: AdminClient, question: str) -> str:
    return str(office.get("/faq")["faq"][question])


def few(count: int) -> dict[str, object]:
    return {"llm_override": {"llm_params": {"max_tokens": count}}}


def test_get_sessions(office: AdminClient, path: str) -> None:
    asked(office, path)
    summary = office.get("/chat/sessions", source_id="rows")["sessions"][0]
    assert path.endswith(summary["id"])
    assert (summary["title"], summary["message_count"], summary["source"]) == ("A row", 2, "admin")
    assert summary["last_message"] == prepared(office, WHO)[:100]
    grouped = office.get("/chat/sessions", group_by="source")
    assert grouped["grouped"] is True
    assert {"admin", "telegram", "widget", "unknown"} <= set(grouped["sessions"])
    assert summary["id"] in [each["id"] for each in grouped["sessions"]["admin"]]


def test_post_sessions(office: AdminClient) -> None:
    made = [office.post("/chat/sessions", body)["session"] for body in (None, {"source": "widget", "source_id": "w"})]
    assert [each["source"] for each in made] == ["admin", "widget"]
    for each in made:
        assert office.delete(f"/chat/sessions/{each['id']}") == {"status": "ok"}


def test_post_bulk_delete(office: AdminClient) -> None:
    ids = [office.post("/chat/sessions")["session"]["id"] for _ in range(3)]
    assert office.post("/chat/sessions/bulk-delete", {"session_ids": [*ids[:2], "chat_nobody"]})["deleted"] == 2
    assert [office.http.get(f"/chat/sessions/{each}").status_code for each in ids] == [404, 404, 200]
    office.delete(f"/chat/sessions/{ids[2]}")


def test_get_session(office: AdminClient, path: str) -> None:
    asked(office, path)
    session = office.get(path)["session"]
    assert [(message["role"], message["content"]) for message in session["messages"]] == [
        ("user", WHO),
        ("assistant", prepared(office, WHO)),
    ]
    assert {"id", "edited", "timestamp"} <= set(session["messages"][0])
    assert error_of(office.http.get("/chat/sessions/chat_nobody"))[0] == 404


def test_put_session(office: AdminClient, path: str) -> None:
    version = office.get(path)["session"]["version"]
    changes = {"title": "Another title", "system_prompt": "Be brief.", "params": {"max_tokens": 2}, "version": version}
    changed = office.put(path, changes)["session"]
    assert (changed["title"], changed["system_prompt"]) == ("Another title", "Be brief.")
    answer = asked(office, path, NOT_PREPARED)["response"]
    assert (answer["route"], len(answer["content"].split()) <= 2) == ("local", True)
    version = office.get(path)["session"]["version"]
    cleared = office.put(path, {"system_prompt": None, "version": version})["session"]
    assert (cleared["title"], cleared["system_prompt"]) == ("Another title", None)


def test_delete_session(office: AdminClient, path: str) -> None:
    asked(office, path)
    office.delete(path)
    assert error_of(office.http.get(path))[0] == 404
    assert office.get("/chat/sessions", source_id="rows")["sessions"] == []


def test_post_messages(office: AdminClient, path: str) -> None:
    done = asked(office, path)
    assert (done["message"]["content"], done["response"]["content"]) == (WHO, prepared(office, WHO))
    short = asked(office, path, NOT_PREPARED, **few(2))["response"]
    assert short["route"] == "local"
    assert 0 < len(short["content"].split()) <= 2
    elsewhere = {"content": NOT_PREPARED, "llm_override": {"llm_backend": "cloud:nobody"}}
    assert error_of(office.http.post(f"{path}/messages", json=elsewhere)) == (404, "model_not_found")


def test_post_stream(office: AdminClient, path: str) -> None:
    with office.http.stream("POST", f"{path}/stream", json={"content": NOT_PREPARED, **few(12)}) as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        data = [line.removeprefix("data: ") for line in reply.iter_lines() if line.startswith("data: ")]
    assert data.pop() == "[DONE]"
    first, *chunks, last = (json.loads(event) for event in data)
    assert (first["type"], first["message"]["content"]) == ("user_message", NOT_PREPARED)
    assert len(chunks) > 1
    said = "".join(chunk["content"] for chunk in chunks if chunk["type"] == "chunk")
    assert (last["type"], last["message"]["content"].strip()) == ("assistant_message", said.strip())
    assert messages(office, path)[-1]["content"] == last["message"]["content"]


def test_put_message(office: AdminClient, path: str) -> None:
    question = asked(office, path)["message"]["id"]
    asked(office, path, "I want to leave a message")
    done = office.put(f"{path}/messages/{question}", {"content": CONTACT})
    assert done["response"]["content"] == prepared(office, CONTACT)
    view = messages(office, path)
    assert [message["content"] for message in view] == [CONTACT, prepared(office, CONTACT)]
    assert view[0]["edited"] is True
    answer = view[1]["id"]
    assert error_of(office.http.put(f"{path}/messages/{answer}", json={"content": "x"}))[0] == 400


def test_delete_message(office: AdminClient, path: str) -> None:
    asked(office, path)
    second = asked(office, path, CONTACT)["message"]["id"]
    assert office.delete(f"{path}/messages/{second}")["deleted"] == 2
    assert [message["content"] for message in messages(office, path)] == [WHO, prepared(office, WHO)]


def test_post_regenerate(office: AdminClient, path: str) -> None:
    first = asked(office, path, NOT_PREPARED, **few(4))
    asked(office, path, CONTACT)
    again = office.post(f"{path}/messages/{first['message']['id']}/regenerate", few(1))
    assert again["message"]["id"] == first["message"]["id"]
    assert again["response"]["id"] != first["response"]["id"]
    assert [message["id"] for message in messages(office, path)] == [again["message"]["id"], again["response"]["id"]]
