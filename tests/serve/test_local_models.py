"""Two local models: each by its name, and in a chain at every door while the first one is stopped."""

import base64
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.bots.bot_api_json import private_chat, user
from tests.serve.admin_client import AdminClient, wait_for_change
from tests.serve.audio_checks import decode_audio
from tests.serve.secretary_process import SecretaryProcess
from tests.serve.telegram_thread import TelegramServerThread

QUESTION = "Tell me about the sea."
ROUTE = "chain:pair"
PERSON = 8_008


@pytest.fixture
def stopped(admin: AdminClient) -> Iterator[None]:
    """The chain of both models, of which the first is stopped."""
    admin.post("/llm/routes", {"name": "pair", "routes": ["local:chat", "local:second"]})
    admin.post("/services/chat/stop")
    wait_for_change(lambda: not admin.secretary.engine("chat")["ready"])
    try:
        yield
    finally:
        admin.post("/services/chat/start")
        admin.delete("/llm/routes/pair")
        wait_for_change(lambda: bool(admin.secretary.engine("chat")["ready"]))


def test_each_local_model_answers_by_its_name(secretary: SecretaryProcess, admin: AdminClient) -> None:
    listed = {model.id for model in secretary.openai.models.list()}
    assert {"local", "local:second", "chat:tone", "smollm2-135m-instruct"} <= listed
    answered = {
        model: admin.complete(QUESTION, model, max_tokens=2).model_extra["secretary"]["answered_by"]  # type: ignore[index]
        for model in ("local", "chat", "chat:tone", "local:second", "second", "smollm2-135m-instruct")
    }
    assert answered == {
        "local": "local",
        "chat": "local",
        "chat:tone": "local:chat:tone",
        "local:second": "local:second",
        "second": "local:second",
        "smollm2-135m-instruct": "local:second",
    }
    for model, known in (("chat:bass", "chat:tone"), ("second:bass", "none"), ("local:third", "local:second")):
        with pytest.raises(openai.NotFoundError, match=known):
            admin.complete(QUESTION, model)
    assert {"local", "local:second"} <= set(admin.get("/llm/models")["available_models"])
    assert {"chat", "second"} <= set(admin.get("/services/status")["services"])
    assert secretary.metric("secretary_tokens_total", route="local:second") > 0


@pytest.mark.usefixtures("stopped")
def test_chain_passes_stopped_model_over_at_every_door(
    secretary: SecretaryProcess, admin: AdminClient, telegram: TelegramServerThread
) -> None:
    answer = admin.complete(QUESTION, ROUTE, max_tokens=8)
    assert answer.model_extra["secretary"]["answered_by"] == "local:second"  # type: ignore[index]
    assert answer.choices[0].message.content

    voice = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}
    spoken = admin.complete(QUESTION, ROUTE, max_tokens=8, **voice).choices[0].message.audio
    assert spoken is not None
    assert decode_audio(base64.b64decode(spoken.data)).seconds > 0

    session = admin.post("/chat/sessions", {})["session"]
    override = {"llm_backend": ROUTE, "llm_params": {"max_tokens": 8}}
    reply = admin.post(f"/chat/sessions/{session['id']}/messages", {"content": QUESTION, "llm_override": override})
    assert reply["response"]["route"] == "local:second"

    body = {"name": "chained", "bot_token": telegram.token, "api_url": telegram.url, "access": "everyone"}
    settings = {"route": ROUTE, "language": "en", "llm_params": {"max_tokens": 8}}
    bot = admin.post("/telegram/instances", body | settings)["instance"]
    try:
        before = len(telegram.server.sent)
        telegram.push(chat=private_chat(PERSON), sender=user(PERSON), text=QUESTION)
        telegram.wait_for_messages(before + 1, 60)
        (said,) = admin.get("/chat/sessions", source="telegram")["sessions"][:1]
        wait_for_change(lambda: bool(messages_of(admin, said["id"])))  # stored after the answer is sent
        assert messages_of(admin, said["id"])[-1]["route"] == "local:second"
    finally:
        admin.delete(f"/telegram/instances/{bot['id']}")


def messages_of(admin: AdminClient, session_id: str) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = admin.get(f"/chat/sessions/{session_id}")["session"]["messages"]
    return messages
