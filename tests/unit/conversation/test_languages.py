"""Questions in languages that a model does not speak: the next model, the fallback answer, and the history."""

from dataclasses import replace

import pytest

from deployments.contracts.chat import LOCAL_ROUTE, ChatMessage, GenerationOptions, SourceKind
from deployments.contracts.commands import secretary_command
from deployments.contracts.errors import NoModelForLanguage, Unavailable
from deployments.contracts.events import FallbackGiven, SpeechReady, TextDelta, TurnFinished
from deployments.contracts.persona import Persona
from deployments.contracts.providers import ProviderSpec
from deployments.contracts.settings import LlmSettings, Settings
from deployments.conversation.fallback_answers import BUILT_IN, find_fallback_answer
from deployments.conversation.language_gaps import LanguageGap, find_language_gaps
from deployments.conversation.metered_assistant import MeteredAssistant
from deployments.conversation.model_choice import ChatRoute, TurnRoutes, routes_of_turn
from deployments.conversation.usage_tracker import UsageTracker
from deployments.engines.speech.tone import ToneEngine, ToneOptions
from tests.unit.conversation.fakes import LanguageEcho
from tests.unit.conversation.harness import SNAPSHOT, AssistantHarness, StaticSnapshotSource, joined_text, user_turn

STORY = "Расскажи сказку про лису"


async def harness_of(*languages: str, **settings: object) -> tuple[AssistantHarness, LanguageEcho]:
    chat = LanguageEcho(*languages)
    snapshot = SNAPSHOT.model_copy(update={"settings": Settings(default_persona="anna", **settings)})  # type: ignore[arg-type]
    speech = ToneEngine(ToneOptions(languages=("ru", "en", "de")))
    return await AssistantHarness(chat=chat, speech=speech, snapshots=StaticSnapshotSource(snapshot)).start(), chat


@pytest.mark.parametrize("route", [None, LOCAL_ROUTE])
@pytest.mark.parametrize("source", list(SourceKind))
async def test_unspoken_language_gets_fallback_answer_at_every_door(route: object, source: SourceKind) -> None:
    harness, chat = await harness_of("en")
    turn = user_turn(STORY, route=route, session_id="s1")
    _, given, delta, finished = await harness.events(replace(turn, source=replace(turn.source, kind=source)))
    assert given == FallbackGiven("ru", "ru")
    assert delta == TextDelta(BUILT_IN["ru"])
    assert isinstance(finished, TurnFinished)
    assert (finished.route, finished.usage.total_tokens) == ("fallback", 0)
    assert chat.turns == []
    assert harness.observer.exchanges[0].route == "fallback"
    assert ("total", "fallback") in harness.observer.stages


@pytest.mark.parametrize(
    ("languages", "text", "by_model"),
    [
        (("en",), "Tell me a story", True),
        (("en",), "123?", True),
        (("en",), "ok", True),
        (("en",), "Что такое Visual Studio Code?", False),
        (("en",), "Tell me about Нижний Новгород", True),
        (("en",), "Wie geht es dir?", False),
        (("en",), "给我讲一个故事", False),
        (("ru",), STORY, True),
        (("ru",), "Tell me a story", False),
        (("en", "mul"), STORY, True),
        ((), STORY, True),
    ],
)
async def test_language_decides_between_model_and_fallback(
    languages: tuple[str, ...], text: str, by_model: bool
) -> None:
    harness, _ = await harness_of(*languages)
    assert (await harness.events(user_turn(text)))[-1].route == ("local" if by_model else "fallback")


async def test_first_route_that_speaks_language_answers() -> None:
    english, russian = ChatRoute("local", LanguageEcho(), ("en",)), ChatRoute("cloud:a", LanguageEcho(), ("ru", "en"))
    routes = TurnRoutes((english, russian))
    assert routes.speaking("ru") == (russian,)
    assert routes.speaking("en") == routes.speaking("und") == (english, russian)
    assert routes.speaking("de") == ()


async def test_provider_has_languages_of_its_own() -> None:
    provider = ProviderSpec(id="a", name="A", provider_type="openai", model_name="m", languages=("ru",))
    snapshot = SNAPSHOT.model_copy(
        update={"providers": (provider,), "settings": Settings(default_route="cloud:a", default_persona="anna")}
    )
    (route,) = routes_of_turn(user_turn(STORY), snapshot, {"cloud:a": LanguageEcho("en")}).routes
    assert route.languages == ("ru",)


async def test_setting_forces_model_to_answer() -> None:
    harness, chat = await harness_of("en", llm=LlmSettings(answer_in_any_language=True))
    turn = user_turn(STORY)
    events = await harness.events(replace(turn, messages=(ChatMessage("user", "Привет"), *turn.messages)))
    assert events[-1].route == "local"
    assert [m.content for m in chat.turns[0].messages] == ["Ты секретарь Анна.", "Привет", STORY]


async def test_fallback_is_spoken_in_its_language() -> None:
    harness, _ = await harness_of("en")
    for voice in (None, "tone-en"):
        events = await harness.events(user_turn(STORY, speak=True, voice_id=voice))
        assert {event.voice_id for event in events if isinstance(event, SpeechReady)} == {"tone-ru"}


async def test_json_turn_gets_error_instead_of_fallback() -> None:
    harness, _ = await harness_of("en")
    turn = user_turn(STORY, options=GenerationOptions(json_schema="{}"))
    with pytest.raises(NoModelForLanguage, match="Russian") as caught:
        await harness.events(turn)
    assert caught.value.remedy == secretary_command("models pull qwen2.5-1.5b-instruct")
    assert caught.value.remedy in caught.value.message


async def test_graph_without_model_stays_unavailable() -> None:
    harness, _ = await harness_of("en", default_route="cloud:none")
    with pytest.raises(Unavailable, match="no language model"):
        await harness.events(user_turn(STORY))


SAID = (
    ("system", "Be brief."),
    ("user", "Who are you?"),
    ("assistant", "I am Anna."),
    ("user", STORY),
    ("assistant", BUILT_IN["ru"]),
    ("user", "Где вы?"),
    ("user", "What are your hours?"),
    ("assistant", "Мы работаем с девяти."),
    ("user", "123?"),
    ("assistant", "Yes."),
    ("user", "Tell me about the sea"),
)


async def test_history_leaves_out_exchanges_that_model_cannot_read() -> None:
    harness, chat = await harness_of("en")
    messages = tuple(ChatMessage(role, text) for role, text in SAID)  # type: ignore[arg-type]
    events = await harness.events(replace(user_turn("x"), messages=messages))
    assert joined_text(events).strip() == "Tell me about the sea"
    kept = [SAID[n] for n in (0, 1, 2, 8, 9, 10)]
    assert [(m.role, m.content) for m in chat.turns[0].messages] == kept


async def test_history_stays_whole_for_model_of_any_language() -> None:
    harness, chat = await harness_of()
    messages = tuple(ChatMessage(role, text) for role, text in SAID)  # type: ignore[arg-type]
    await harness.events(replace(user_turn("x"), messages=messages))
    assert [(m.role, m.content) for m in chat.turns[0].messages] == list(SAID)


@pytest.mark.parametrize(
    ("text", "locale"), [("Tell me a story", None), ("Tell me a story", "ru"), ("123?", None), ("weather", "ru")]
)
async def test_english_model_gets_english_system_prompt(text: str, locale: str | None) -> None:
    harness, chat = await harness_of("en")
    await harness.events(user_turn(text, locale=locale))
    assert chat.turns[0].messages[0].content == "You are Anna."


OWN = {"ru": "Спросите на стойке.", "de": "Fragen Sie am Empfang."}


@pytest.mark.parametrize(
    ("answers", "language", "default", "text"),
    [
        (OWN, "ru", "ru", OWN["ru"]),
        (OWN, "de", "ru", OWN["de"]),
        (OWN, "en", "ru", OWN["ru"]),
        (OWN, "en", "en", BUILT_IN["en"]),
        ({"ru": "  "}, "ru", "ru", BUILT_IN["ru"]),
        ({}, "zh", "ru", BUILT_IN["ru"]),
        ({}, "zh", "fr", BUILT_IN["en"]),
    ],
)
def test_fallback_answer_of_persona_then_built_in(
    answers: dict[str, str], language: str, default: str, text: str
) -> None:
    persona = Persona(id="p", name="P", prompts={}, fallback_answers=answers)
    assert find_fallback_answer(persona, language, default).text == text


async def test_gaps_are_used_languages_without_model() -> None:
    harness, chat = await harness_of("en")
    snapshot = harness.snapshots.current
    (gap,) = find_language_gaps(snapshot, [chat.status()])
    assert gap == LanguageGap("ru")
    assert gap.message.startswith("no Russian model")
    assert gap.remedy == secretary_command("models pull qwen2.5-1.5b-instruct")
    assert "model://qwen2.5-1.5b-instruct/qwen2.5-1.5b-instruct-q4_k_m.gguf" in gap.next_step
    forced = Settings(llm=LlmSettings(answer_in_any_language=True))
    assert find_language_gaps(snapshot.model_copy(update={"settings": forced}), [chat.status()]) == ()
    assert find_language_gaps(snapshot, [LanguageEcho("mul").status()]) == ()
    assert find_language_gaps(snapshot, []) == ()


async def test_fallback_is_counted_without_tokens() -> None:
    harness, _ = await harness_of("en")
    usage = UsageTracker(lambda: 0.0)
    metered = MeteredAssistant(harness.assistant, usage, SourceKind.API)
    events = metered.reply(user_turn(STORY))
    async for event in events:
        if isinstance(event, TextDelta):
            break
    await events.aclose()  # type: ignore[attr-defined]
    (count,) = usage.take_unreported()
    assert (count.route, count.requests, count.prompt_tokens, count.completion_tokens) == ("fallback", 1, 0, 0)
