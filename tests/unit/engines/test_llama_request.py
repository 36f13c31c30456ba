"""The chat completion request of llama.cpp."""

from deployments.contracts.chat import ChatMessage, ChatTurn, GenerationOptions, SourceKind, TurnSource
from deployments.engines.chat.llama_request import request_body


def test_request_body_contains_only_given_options() -> None:
    options = GenerationOptions(max_tokens=7, temperature=0.0, top_p=0.5, repetition_penalty=1.3, seed=1, stop=("x",))
    turn = ChatTurn("t", TurnSource(SourceKind.API), (ChatMessage("user", "q"),), options=options)
    body = request_body(turn, 512)
    expected = {"max_tokens": 7, "temperature": 0.0, "top_p": 0.5, "repeat_penalty": 1.3, "seed": 1, "stop": ["x"]}
    assert {name: body[name] for name in expected} == expected
    bare = request_body(ChatTurn("t", TurnSource(SourceKind.API), (ChatMessage("user", "q"),)), 512)
    assert bare["max_tokens"] == 512
    assert not {"temperature", "top_p", "repeat_penalty", "seed", "stop"} & set(bare)
