"""The chat completion request of llama.cpp."""

import pytest

from deployments.contracts.chat import ChatMessage, ChatTurn, GenerationOptions, SourceKind, TurnSource
from deployments.contracts.errors import ConversationTooLong
from deployments.engines.chat.llama_reply import translate_error
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


@pytest.mark.parametrize("facts", [{"n_prompt_tokens": 900, "n_ctx": 512}, {}])
def test_long_conversation_is_refused_without_options_of_llama(facts: dict[str, int]) -> None:
    message = "request (900 tokens) exceeds the available context size (512 tokens), try increasing it"
    error = translate_error({"type": "exceed_context_size_error", "message": message, **facts})
    assert isinstance(error, ConversationTooLong)
    assert "increasing" not in error.message
    assert all(str(each) in error.message for each in facts.values())
