"""Text completions through the official OpenAI client."""

import httpx
import openai
import pytest

from deployments.contracts.errors import EngineFailed
from deployments.contracts.events import TextDelta, TurnFinished, TurnStarted, Usage
from tests.api.running_gateway import RunningGateway

ANSWER = "Добрый день. How are you?"


def test_prompt_is_answered(client: openai.OpenAI, door: RunningGateway) -> None:
    answer = client.completions.create(
        model="local", prompt="Hi", max_tokens=5, temperature=0.5, stop=["x"], frequency_penalty=0.5, presence_penalty=1
    )
    assert (answer.object, answer.choices[0].text, answer.choices[0].finish_reason) == (
        "text_completion",
        ANSWER,
        "stop",
    )
    assert answer.usage is not None
    assert answer.usage.total_tokens == 14
    turn = door.assistant.turns[0]
    options = turn.options
    assert (turn.question, options.max_tokens, options.temperature, options.stop) == ("Hi", 5, 0.5, ("x",))
    assert (options.frequency_penalty, options.presence_penalty) == (0.5, 1)


def test_several_prompts_are_answered_in_order(client: openai.OpenAI, door: RunningGateway) -> None:
    answer = client.completions.create(model="secretary", prompt=["One", "Two"], echo=True)
    assert [choice.text for choice in answer.choices] == [f"One{ANSWER}", f"Two{ANSWER}"]
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 6
    assert len({turn.turn_id for turn in door.assistant.turns}) == 2


def test_stream_ends_with_reason_and_usage(client: openai.OpenAI, door: RunningGateway) -> None:
    door.assistant.script = [TurnStarted("t"), TextDelta("a"), TextDelta("b"), TurnFinished("length", Usage(2, 2))]
    with client.completions.create(
        model="local", prompt="Hi", stream=True, stream_options={"include_usage": True}
    ) as stream:
        chunks = list(stream)
    assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices) == "ab"
    assert chunks[-2].choices[0].finish_reason == "length"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 4
    door.assistant.script = [TurnStarted("t"), TextDelta("a"), EngineFailed("the model died")]
    with pytest.raises(openai.APIError), client.completions.create(model="local", prompt="x", stream=True) as stream:
        list(stream)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"best_of": 2}, "best_of"),
        ({"logprobs": 1}, "logprobs"),
        ({"suffix": "x"}, "suffix"),
        ({"logit_bias": {"1": 1}}, "logit_bias"),
        ({"prompt": [1, 2]}, "prompt"),
        ({"prompt": ["a", "b"], "stream": True}, "prompt"),
        ({"stop": list("abcde")}, "stop"),
        ({"temperature": 3}, "temperature"),
    ],
)
def test_unsupported_option_is_named(http: httpx.Client, fields: dict[str, object], param: str) -> None:
    response = http.post("/v1/completions", json={"model": "local", "prompt": "Hi", **fields})
    assert (response.status_code, response.json()["error"]["param"]) == (400, param)
