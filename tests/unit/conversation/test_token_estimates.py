"""Token estimates, compared with the tokenizer of the demo model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.contracts.chat import ChatMessage, ChatTurn, GenerationOptions, SourceKind, TurnSource
from deployments.contracts.events import TurnFinished
from deployments.conversation.token_estimates import estimate_message_tokens, estimate_text_tokens

SAMPLES = {
    "english": "Good afternoon! I would like to know whether the office is open on Saturday, and how much a "
    "consultation costs. Please call me back tomorrow after lunch; my colleague will answer if I am busy. ",
    "russian": "Добрый день! Подскажите, пожалуйста, работает ли офис в субботу и сколько стоит консультация? "
    "Перезвоните мне завтра после обеда, если я буду занят, ответит мой коллега. ",
    "shouted": "ВНИМАНИЕ! ЗАКАЗ НЕ ДОСТАВЛЕН, СРОЧНО ПОЗВОНИТЕ. ",
    "mixed": "Пришлите invoice № 4521 на mail@example.com до 12.05.2026, спасибо! ",
    "digits": "8 916 123-45-67 2026 1234567890 3.1415926 ",
    "emoji": "😀🎉👍🏽❤️ ",
    "chinese": "今天天气很好我们去公园散步吧 ",
    "code": "def f(x): return [i**2 for i in range(x) if i % 2 == 0]  # {'a': 1} ",
    "greek": "Καλημέρα σας, πώς είστε σήμερα; ",
    "arabic": "صباح الخير كيف حالك اليوم ",
    "rare": "ђћџґҥӄԛ ѣѳ ",
}


@given(st.text(max_size=200), st.text(max_size=200))
def test_estimate_is_subadditive_and_monotonic(one: str, other: str) -> None:
    both = estimate_text_tokens(one + other)
    assert (
        max(estimate_text_tokens(one), estimate_text_tokens(other))
        <= both
        <= estimate_text_tokens(one) + estimate_text_tokens(other)
    )
    assert bool(one) == (estimate_text_tokens(one) > 0)


def test_estimate_is_higher_for_cyrillic() -> None:
    assert estimate_text_tokens("слово" * 10) > 2 * estimate_text_tokens("words" * 10)
    assert estimate_message_tokens(ChatMessage("user", "")) > 0


@pytest.mark.model
async def test_estimate_is_between_real_count_and_triple() -> None:
    from deployments.engines.chat.llama_cpp import LlamaCppEngine, LlamaCppOptions
    from tests.contract.engine_options import LLAMA_MODEL, demo_model_path

    engine = LlamaCppEngine(
        LlamaCppOptions(model=demo_model_path(LLAMA_MODEL), threads=1, slots=1, context=4_096, batch=512)
    )
    await engine.start()

    async def counted(*messages: ChatMessage) -> int:
        options = GenerationOptions(max_tokens=1)
        turn = ChatTurn("t", TurnSource(SourceKind.API), messages, options=options)
        last = [event async for event in engine.stream(turn)][-1]
        assert isinstance(last, TurnFinished)
        return last.usage.prompt_tokens

    try:
        first = ChatMessage("system", "a")
        empty = await counted(first, ChatMessage("user", "a"))
        compared = {}
        for name, sample in SAMPLES.items():
            real = await counted(first, ChatMessage("user", sample * 2)) - empty + 1
            compared[name] = (real, estimate_text_tokens(sample * 2))
        assert not {name: both for name, both in compared.items() if not both[0] <= both[1] <= 3 * both[0]}
        conversation = [ChatMessage(role, SAMPLES["russian"]) for role in ("user", "assistant")]
        whole = await counted(first, *conversation, ChatMessage("user", "a"))
        assert whole <= sum(map(estimate_message_tokens, (first, *conversation, ChatMessage("user", "a"))))
    finally:
        await engine.stop()
