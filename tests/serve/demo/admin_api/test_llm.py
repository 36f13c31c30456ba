"""/admin/llm: prompts, personas, sampling and the backend."""

from collections.abc import Iterator

import pytest

from tests.serve.admin_client import AdminClient, error_of, settings_restored, wait_for_change

QUESTION = "What do whales like?"
LONG_PROMPT = "Be kind to whales. " * 40


@pytest.fixture(autouse=True)
def as_before(admin: AdminClient) -> Iterator[None]:
    with settings_restored(admin):
        yield
    for persona in ("anna", "marina"):
        admin.post(f"/llm/prompt/{persona}/reset")


def test_get_prompt(admin: AdminClient) -> None:
    shown = admin.get("/llm/prompt")
    persona = admin.get("/llm/personas")["personas"][shown["persona"]]
    assert persona["default"] is True
    assert shown["prompt"] == persona["prompts"][admin.get("/settings")["settings"]["default_language"]]


def test_post_prompt(admin: AdminClient) -> None:
    before = admin.prompt_tokens(QUESTION)
    written = admin.post("/llm/prompt", {"prompt": LONG_PROMPT, "language": "en"})
    assert written["prompt"].strip() == LONG_PROMPT.strip()
    wait_for_change(lambda: admin.prompt_tokens(QUESTION) > before + 50)
    assert admin.get("/llm/prompt")["prompts"]["en"].strip() == LONG_PROMPT.strip()


def test_get_model(admin: AdminClient) -> None:
    assert admin.get("/llm/model")["model"] == "smollm2-135m-instruct"
    assert admin.complete(QUESTION, max_tokens=1).model_extra["secretary"]["model"] == "smollm2-135m-instruct"


def test_post_model(admin: AdminClient) -> None:
    assert admin.post("/llm/model", {"model": "smollm2-135m-instruct"})["backend"] == "local"
    assert error_of(admin.http.post("/llm/model", json={"model": "gemini-2.5-pro"}))[0] == 409
    body = {
        "name": "A model to change",
        "provider_type": "gemini",
        "model_name": "gemini-2.5-flash",
        "api_key": "k" * 20,
    }
    provider = admin.post("/llm/providers", body)["provider"]
    try:
        with settings_restored(admin):
            admin.post("/llm/backend", {"backend": provider["route"]})
            assert admin.post("/llm/model", {"model": "gemini-2.5-pro"})["model"] == "gemini-2.5-pro"
            assert admin.get("/llm/model") == {"status": "ok", "model": "gemini-2.5-pro", "backend": provider["route"]}
        assert admin.get(f"/llm/providers/{provider['id']}")["model_name"] == "gemini-2.5-pro"
    finally:
        admin.delete(f"/llm/providers/{provider['id']}")


def test_get_and_delete_history(admin: AdminClient) -> None:
    for reply in (admin.http.get("/llm/history"), admin.http.delete("/llm/history")):
        assert error_of(reply) == (410, "gone")
        assert "/admin/chat/sessions" in reply.json()["detail"]


def test_get_backend(admin: AdminClient) -> None:
    backend = admin.get("/llm/backend")
    assert (backend["backend"], backend["ready"], backend["model"]) == ("local", True, "smollm2-135m-instruct")
    assert admin.complete(QUESTION, max_tokens=1).model_extra["secretary"]["answered_by"] == backend["backend"]


def test_post_backend(admin: AdminClient) -> None:
    body = {"name": "Another backend", "provider_type": "openai", "model_name": "gpt-4o", "api_key": "sk-" + "k" * 20}
    provider = admin.post("/llm/providers", body)["provider"]
    try:
        chosen = admin.post("/llm/backend", {"backend": provider["route"], "stop_unused": True})
        assert (chosen["backend"], chosen["provider_type"], chosen["model"]) == (provider["route"], "openai", "gpt-4o")
        assert admin.get("/status")["llm_config"]["backend"] == provider["route"]
        assert error_of(admin.http.delete(f"/llm/providers/{provider['id']}"))[0] == 409
        assert admin.post("/llm/backend", {"backend": "vllm"})["backend"] == "local"
        assert admin.complete(QUESTION, max_tokens=1).model_extra["secretary"]["answered_by"] == "local"
    finally:
        admin.post("/llm/backend", {"backend": "local"})
        admin.delete(f"/llm/providers/{provider['id']}")
    assert error_of(admin.http.post("/llm/backend", json={"backend": "cloud:nobody"}))[0] == 404


def test_get_models(admin: AdminClient) -> None:
    models = admin.get("/llm/models")
    assert models["available_models"]["local"] == models["current_model"] == "smollm2-135m-instruct"
    (loaded,) = models["loaded_models"]
    assert (loaded["engine"], loaded["ready"]) == ("llama_cpp", True)


def test_get_personas_and_persona(admin: AdminClient) -> None:
    personas = admin.get("/llm/personas")["personas"]
    assert {"anna", "marina"} <= set(personas)
    now = admin.get("/llm/persona")
    assert personas[now["id"]]["name"] == personas[now["id"]]["full_name"] == now["name"]
    offered = {model.id for model in admin.secretary.openai.models.list()}
    assert {f"{persona}-secretary" for persona in personas} <= offered


def test_post_persona(admin: AdminClient) -> None:
    admin.post("/llm/prompt/marina", {"prompt": LONG_PROMPT, "language": "en"})
    before = admin.prompt_tokens(QUESTION)
    assert admin.post("/llm/persona", {"persona": "marina"})["id"] == "marina"
    assert admin.get("/llm/persona")["id"] == "marina"
    wait_for_change(lambda: admin.prompt_tokens(QUESTION) > before + 50)
    assert error_of(admin.http.post("/llm/persona", json={"persona": "nobody"}))[0] == 404


def test_get_and_post_params(admin: AdminClient) -> None:
    def length() -> int:
        usage = admin.complete(QUESTION, "local").usage
        return usage.completion_tokens if usage else 0

    before = admin.get("/llm/params")["params"]
    assert set(before) == {"temperature", "max_tokens", "top_p", "repetition_penalty"}
    written = admin.post("/llm/params", {"max_tokens": 3, "temperature": 0.2})["params"]
    assert admin.get("/llm/params")["params"] == written == {**before, "max_tokens": 3, "temperature": 0.2}
    wait_for_change(lambda: length() <= 3)
    assert error_of(admin.http.post("/llm/params", json={"temperature": 9}))[0] == 400


def test_get_and_post_prompt_of_a_persona(admin: AdminClient) -> None:
    before = admin.prompt_tokens(QUESTION, "marina-secretary")
    admin.post("/llm/prompt/marina", {"prompt": LONG_PROMPT, "language": "en"})
    assert admin.get("/llm/prompt/marina")["prompts"]["en"].strip() == LONG_PROMPT.strip()
    wait_for_change(lambda: admin.prompt_tokens(QUESTION, "marina-secretary") > before + 50)
    assert error_of(admin.http.get("/llm/prompt/nobody"))[0] == 404


def test_post_prompt_reset(admin: AdminClient) -> None:
    original = admin.get("/llm/prompt/marina")
    admin.post("/llm/prompt/marina", {"prompt": "Say nothing."})
    assert admin.get("/llm/prompt/marina")["prompt"] == "Say nothing."
    assert admin.post("/llm/prompt/marina/reset")["prompts"] == original["prompts"]
    assert admin.get("/llm/prompt/marina") == original
