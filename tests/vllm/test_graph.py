"""vLLM behind the doors of a running secretary, on a share of a logical GPU."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openai import InternalServerError, NotFoundError

from tests.serve.admin_client import AdminClient
from tests.serve.secretary_process import SecretaryProcess, running_secretary, wait_until
from tests.vllm.conftest import TinyModel
from tests.vllm.graph import CARD, write_graph
from tests.vllm.processes import engine_core, engine_processes, is_alive
from tests.vllm.tiny_model import ADAPTERS, CALL_ARGUMENTS, WORDS

WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
_LOAD_TIMEOUT_S = 400
COUNT: Any = [{"role": "user", "content": "Count."}]


@pytest.fixture(scope="module")
def secretary(tiny: TinyModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretaryProcess]:
    data = tmp_path_factory.mktemp("secretary")
    graph = write_graph(data / "graph.yaml", tiny)
    with running_secretary(data / "data", graph, "--no-pull", **CARD) as running:
        wait_until(lambda: running.engine("chat")["ready"], _LOAD_TIMEOUT_S)
        yield running


@pytest.fixture
def admin(secretary: SecretaryProcess) -> Iterator[AdminClient]:
    with AdminClient(secretary) as client:
        yield client


def text_of(secretary: SecretaryProcess, model: str, **options: Any) -> str:
    reply = secretary.openai.chat.completions.create(model=model, messages=COUNT, max_tokens=4, **options)
    return reply.choices[0].message.content or ""


def answers(secretary: SecretaryProcess) -> bool:
    try:
        return text_of(secretary, "local").split() == ["one", "two", "three", "four"]
    except InternalServerError:
        return False


def test_two_shares_of_a_card_are_placed_together(secretary: SecretaryProcess) -> None:
    assert secretary.engine("chat")["ready"]
    assert secretary.engine("voice")["ready"]


def test_plain_answer_has_usage_and_a_finish_reason(secretary: SecretaryProcess) -> None:
    reply = secretary.openai.chat.completions.create(model="local", messages=COUNT, max_tokens=4)
    assert (reply.choices[0].message.content or "").split() == "".join(WORDS[:4]).split()
    assert reply.choices[0].finish_reason == "length"
    assert reply.usage is not None
    assert reply.usage.completion_tokens == 4


def test_closed_stream_stops_the_engine(secretary: SecretaryProcess) -> None:
    stream = secretary.openai.chat.completions.create(model="local", messages=COUNT, max_tokens=3_500, stream=True)
    for _ in zip(range(3), stream, strict=False):
        pass
    assert secretary.live_streams("llm") == 1
    stream.close()
    wait_until(lambda: not secretary.live_streams("llm"), timeout_s=2)
    core = engine_core(secretary.replica_process("chat"))
    wait_until(lambda: core.cpu_percent(0.1) < 50, timeout_s=5)


def test_adapter_is_chosen_by_the_request(secretary: SecretaryProcess) -> None:
    assert text_of(secretary, "chat:polite").split() == ["please"] * 4
    assert text_of(secretary, "local:chat:loud").split() == ["HEY"] * 4
    assert set(secretary.engine("chat")["adapters"]) == set(ADAPTERS)
    with pytest.raises(NotFoundError, match="polite"):
        text_of(secretary, "chat:rude")


def test_tool_is_called_by_the_openai_client(secretary: SecretaryProcess) -> None:
    stream = secretary.openai.chat.completions.create(
        model="local", messages=COUNT, tools=[WEATHER], stream=True, max_tokens=60
    )
    name, arguments, reasons = "", "", []
    for chunk in stream:
        for choice in chunk.choices:
            reasons.append(choice.finish_reason)
            for call in choice.delta.tool_calls or ():
                assert call.index == 0
                name += (call.function.name or "") if call.function else ""
                arguments += (call.function.arguments or "") if call.function else ""
    assert (name, json.loads(arguments), reasons[-1]) == ("get_weather", CALL_ARGUMENTS, "tool_calls")
    forced = secretary.openai.chat.completions.create(
        model="local", messages=COUNT, tools=[WEATHER], tool_choice="required", max_tokens=60, temperature=0
    )
    (call,) = forced.choices[0].message.tool_calls or ()
    assert call.type == "function"
    assert isinstance(json.loads(call.function.arguments)["city"], str)


def test_json_schema_is_followed(secretary: SecretaryProcess) -> None:
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    reply = secretary.openai.chat.completions.create(
        model="local",
        messages=COUNT,
        max_tokens=30,
        response_format={"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}},
    )
    assert isinstance(json.loads(reply.choices[0].message.content or "")["ok"], bool)


def test_admin_chat_answers(admin: AdminClient) -> None:
    session = admin.post("/chat/sessions", {})["session"]["id"]
    replied = admin.post(f"/chat/sessions/{session}/messages", {"content": "Count."})
    assert replied["response"]["content"].split()[:3] == ["one", "two", "three"]


def test_killed_replica_leaves_no_engine_core(secretary: SecretaryProcess) -> None:
    replica = secretary.replica_process("chat")
    processes = engine_processes(replica)
    assert processes
    replica.kill()
    wait_until(lambda: not any(map(is_alive, processes)), timeout_s=10)
    wait_until(lambda: answers(secretary), _LOAD_TIMEOUT_S)
    assert secretary.has_replica("chat", replica.pid)
