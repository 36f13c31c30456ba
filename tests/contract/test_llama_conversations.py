"""llama.cpp: conversations of any shape, also with a strict chat template, and strict JSON schemas."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from deployments.contracts.chat import ChatMessage, GenerationOptions, MessageRole
from deployments.contracts.errors import InvalidRequest
from deployments.conversation.prompt import build_prompt
from deployments.engines.chat.llama_cpp import LlamaCppEngine, LlamaCppOptions
from deployments.engines.chat.llama_server import LlamaServer, LlamaServerSettings, load_server
from deployments.engines.conformance import collect_text, make_turn
from tests.contract.engine_options import LLAMA_MODEL, demo_model_path
from tests.unit.conversation.harness import SNAPSHOT

pytestmark = [pytest.mark.model, pytest.mark.asyncio(loop_scope="module")]

STRICT = """
{%- if messages[0].role == 'system' -%}{{ raise_exception('System role not supported') }}{%- endif -%}
{%- for message in messages -%}
{%- if (message.role == 'user') != (loop.index0 % 2 == 0) -%}{{ raise_exception('Roles must alternate') }}{%- endif -%}
{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}
"""
ROLES: dict[str, MessageRole] = {"s": "system", "u": "user", "a": "assistant"}


def load_strict(settings: LlamaServerSettings) -> LlamaServer:
    return load_server(replace(settings, chat_template=STRICT))


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[load_server, load_strict])
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[LlamaCppEngine]:
    options = LlamaCppOptions(model=demo_model_path(LLAMA_MODEL), threads=1, context=512, slots=1)
    engine = LlamaCppEngine(options, request.param)
    await engine.start()
    yield engine
    await engine.stop()


@pytest.mark.parametrize(
    ("messages", "prefix"),
    [
        ("s:Greet the user.", ""),
        ("s:Greet the user.|u:", ""),
        ("u:hi|a:Hello.|s:Ask for the name.", ""),
        ("s:Be brief.|u:hi|a:Hello.|u:Who are you?|s:Answer.", ""),
        ("s:Be brief.|a:Hello! How can I help?|u:What is the sea?", ""),
        ("u:hi|a:Hello.", ""),
        ("u:hi|u:What is the sea?", "The sea is"),
    ],
)
async def test_conversation_of_any_shape_is_answered(engine: LlamaCppEngine, messages: str, prefix: str) -> None:
    given = tuple(ChatMessage(ROLES[each[0]], each[2:]) for each in messages.split("|"))
    turn = replace(make_turn("", max_tokens=8, temperature=0.0), messages=given, answer_prefix=prefix)
    text = await collect_text(engine, build_prompt(turn, SNAPSHOT, "en"))
    assert text.strip()
    assert not text.startswith(("assistant", "<|im_start|>"))


@pytest.mark.parametrize(
    ("field", "pattern"),
    [
        ({"type": "string", "pattern": r"^\d{3}-\d{2}$"}, r"\d{3}-\d{2}"),
        ({"type": "string", "pattern": r"^[A-Z]{2}\d$|^\d{4}$"}, r"[A-Z]{2}\d|\d{4}"),
        ({"type": "string", "pattern": r'^"[^a-z]"$'}, r'"[^a-z]"'),
        ({"type": "string", "format": "date"}, r"\d{4}-\d\d-\d\d"),
        ({"type": "string", "format": "ipv4"}, r"(\d{1,3}\.){3}\d{1,3}"),
        ({"type": "integer", "minimum": 17, "maximum": 21}, "1[789]|2[01]"),
    ],
)
async def test_strict_schema_is_followed(engine: LlamaCppEngine, field: dict[str, object], pattern: str) -> None:
    answer = await strict_answer(engine, field)
    assert re.fullmatch(pattern, str(answer)), answer


async def test_unanchored_pattern_is_followed(engine: LlamaCppEngine) -> None:
    """The model may go on for long after it."""
    assert re.search(r'": "\dX', await strict_text(engine, {"type": "string", "pattern": r"^\dX"}, 40))


async def test_keyword_beyond_the_grammar_is_named(engine: LlamaCppEngine) -> None:
    with pytest.raises(InvalidRequest, match="minimum of field"):
        await strict_answer(engine, {"type": "number", "minimum": 0.5})


async def strict_answer(engine: LlamaCppEngine, field: dict[str, object]) -> object:
    return json.loads(await strict_text(engine, field, 200))["field"]


async def strict_text(engine: LlamaCppEngine, field: dict[str, object], max_tokens: int) -> str:
    schema = {"type": "object", "properties": {"field": field}, "required": ["field"], "additionalProperties": False}
    options = GenerationOptions(
        max_tokens=max_tokens, temperature=0.0, json_schema=json.dumps(schema), json_strict=True
    )
    turn = replace(make_turn("Answer with one short value."), options=options)
    return await collect_text(engine, turn)
