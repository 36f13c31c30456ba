"""/admin/llm/models: the model of the running secretary is switched, kept when the new one is broken, and put back."""

import os
import shutil
from collections.abc import Iterator

import pytest

from deployments.models.store import ModelStore
from tests.serve.admin_client import AdminClient, error_of, wait_for_change
from tests.serve.secretary_process import MODELS
from tests.unit.administration.switching_replica import install_gguf

_DEMO = "smollm2-135m-instruct"
_SECOND, _BROKEN = "switch-test-second", "switch-test-broken"
_TIMEOUT_S = 90.0


@pytest.fixture(autouse=True)
def models(admin: AdminClient) -> Iterator[None]:
    """The demo model under another name and a broken file, in the models folder, which outlives the secretary."""
    store = ModelStore(MODELS)
    for model_id in (_SECOND, _BROKEN):
        shutil.rmtree(store.directory(model_id), ignore_errors=True)
        install_gguf(store, model_id, b"GGUF")
    (demo,) = store.directory(_DEMO).glob("*.gguf")
    second = store.directory(_SECOND) / f"{_SECOND}.gguf"
    second.unlink()
    os.symlink(demo, second)
    manifest = store.directory(_SECOND) / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"size": 4', f'"size": {demo.stat().st_size}'))
    yield
    if local(admin)["hosted"]:
        switch(admin, None)
    for model_id in (_SECOND, _BROKEN):
        shutil.rmtree(store.directory(model_id))


def local(admin: AdminClient) -> dict:
    (found,) = admin.get("/llm/models")["local"]
    return dict(found)


def switch(admin: AdminClient, model: str | None) -> str:
    """The outcome of a switch."""
    reply = admin.http.post("/llm/models/chat/switch", json={"model": model})
    assert reply.status_code == 202, reply.text
    wait_for_change(lambda: local(admin)["switch"]["state"] != "running", _TIMEOUT_S)
    return str(local(admin)["switch"]["state"])


def expect_answer_of(admin: AdminClient, model: str) -> None:
    """The first question after the end of a switch is answered; the gateway learns the model within some seconds."""
    question = {"model": "local", "messages": [{"role": "user", "content": "Are you there?"}], "max_tokens": 1}
    reply = admin.gateway.post("/v1/chat/completions", json=question)
    assert reply.status_code == 200, reply.text
    wait_for_change(lambda: admin.secretary.engine("chat")["model"] == model)


def test_switch_there_and_back(admin: AdminClient) -> None:
    options = {each["id"]: each for each in local(admin)["options"]}
    assert (options[_SECOND]["installed"], options[_SECOND]["fits"], options[_DEMO]["hosted"]) == (True, True, True)
    process = admin.secretary.replica_process("chat")
    assert switch(admin, _SECOND) == "finished"
    expect_answer_of(admin, _SECOND)
    assert error_of(admin.http.delete(f"/models/{_SECOND}")) == (409, "conflict")
    assert switch(admin, _BROKEN) == "failed"
    assert f"{_BROKEN}.gguf" in local(admin)["switch"]["error"]
    expect_answer_of(admin, _SECOND)
    assert local(admin)["hosted"] == _SECOND
    wait_for_change(lambda: _SECOND in {model["id"] for model in admin.gateway.get("/v1/models").json()["data"]})
    assert switch(admin, None) == "finished"
    expect_answer_of(admin, _DEMO)
    assert admin.secretary.replica_process("chat").pid == process.pid
    actions = [event["action"] for event in admin.get("/audit/logs", limit=6)["logs"]]
    assert actions[:6] == ["switch_finished", "switch", "switch_failed", "switch", "switch_finished", "switch"]


@pytest.mark.parametrize("action", ["sleep", "wake"])
def test_engine_that_cannot_sleep(admin: AdminClient, action: str) -> None:
    assert error_of(admin.http.post(f"/services/chat/{action}")) == (409, "conflict")
