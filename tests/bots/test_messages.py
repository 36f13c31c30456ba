"""Text and voice messages, commands and errors, over a local Bot API server."""

import io
import json
from collections.abc import AsyncIterator

import av
import pytest

from deployments.contracts.chat import (
    ChatMessage,
    ChatTurn,
    GenerationOptions,
    Overrides,
    Route,
    RouteKind,
    SourceKind,
    TurnSource,
)
from deployments.contracts.errors import EngineFailed, TooLarge, Unavailable, UnsupportedAudio
from deployments.contracts.events import AnswerMatch, AnswerMatched, TextDelta, TurnEvent, TurnFailed, TurnFinished
from tests.bots.bot_api_json import ANNA, command, user, voice
from tests.bots.fakes import TONE_S, MemoryConversations, ScriptedBotAssistant, slow_script
from tests.bots.harness import fast_limits, running_bot
from tests.bots.telegram_server import TelegramServer
from tests.waiting import wait_until


async def test_question_becomes_turn_with_history(server: TelegramServer) -> None:
    history = (ChatMessage("user", "Привет"), ChatMessage("assistant", "Здравствуйте"))
    row = {
        "route": "cloud:openai",
        "persona_id": "anna",
        "voice_id": "ru-1",
        "system_prompt": "Ты секретарь.",
        "llm_params": {"temperature": 0, "max_tokens": 9, "top_p": 0.5, "repetition_penalty": 1.2},
    }
    own = Overrides(
        "Ты секретарь.",
        "anna",
        Route(RouteKind.CLOUD, "openai"),
        GenerationOptions(max_tokens=9, temperature=0, top_p=0.5, repetition_penalty=1.2),
    )
    async with running_bot(server, conversations=MemoryConversations(history), **row) as running:
        await server.push(text="Где вы?", sender=user(ANNA, "Пётр"))
        (sent,) = await server.wait_for_messages(1)
    (turn,) = running.assistant.turns
    assert (sent.chat_id, sent.text) == (ANNA, "Ответ: Где вы?")
    assert turn.source == TurnSource(SourceKind.TELEGRAM, "front")
    assert turn.messages == (*history, ChatMessage("user", "Где вы?"))
    assert (turn.session_id, turn.voice_id) == (f"session-{ANNA}", "ru-1")
    assert turn.overrides == (Overrides(), own)
    assert turn.locale is None
    assert not turn.speak
    assert running.conversations.opened == [(turn.source, str(ANNA), "Пётр")]


async def test_answer_is_sent_without_parse_mode(server: TelegramServer) -> None:
    async with running_bot(server):
        await server.push(text="<b>жирный</b> _и_ https://example.com")
        (sent,) = await server.wait_for_messages(1)
    assert sent.text == "Ответ: <b>жирный</b> _и_ https://example.com"
    assert "parse_mode" not in sent.fields
    assert json.loads(sent.fields["link_preview_options"]) == {"is_disabled": True}


async def test_start_sends_declared_or_default_welcome(server: TelegramServer) -> None:
    async with running_bot(server, welcome_message="Добро пожаловать в бюро!"):
        await server.push(**command("/start deep_link"))
        assert (await server.wait_for_messages(1))[0].text == "Добро пожаловать в бюро!"
    async with running_bot(server, language="en"):
        await server.push(**command("/start"))
        assert (await server.wait_for_messages(2))[1].text.startswith("Hello!")


async def test_new_restarts_conversation(server: TelegramServer) -> None:
    async with running_bot(server) as running:
        await server.push(**command("/new"))
        await server.push(**command("/help"))
        restarted, helped = await server.wait_for_messages(2)
    assert running.conversations.restarted == [(TurnSource(SourceKind.TELEGRAM, "front"), str(ANNA), "Иван")]
    assert "сначала" in restarted.text
    assert "/new" in helped.text
    assert running.assistant.turns == []


async def test_command_menu_is_set_in_both_languages(server: TelegramServer) -> None:
    async with running_bot(server):
        await server.wait_until(lambda: server.call_count("setMyCommands") == 3)
    menus = {
        fields.get("language_code"): fields["commands"] for name, fields in server.calls if name == "setMyCommands"
    }
    assert set(menus) == {None, "ru", "en"}
    assert [entry["command"] for entry in json.loads(menus["en"])] == ["start", "new", "help"]


async def test_voice_note_is_transcribed_and_answered(server: TelegramServer) -> None:
    server.files["note1"] = b"OggS recorded"
    conversations = MemoryConversations(keeps_recordings=True)
    async with running_bot(server, conversations=conversations, tts_preset="warm") as running:
        await server.push(**voice("note1", 13))
        transcript, answer, spoken = await server.wait_for_messages(3)
        await wait_until(lambda: conversations.kept)
    (heard,) = conversations.kept
    assert (heard.session_id, heard.turn_id) == (f"session-{ANNA}", running.assistant.turns[0].turn_id)
    assert (heard.audio, heard.transcript) == (b"OggS recorded", "какой у вас адрес")
    assert running.assistant.recognition_requests[0].audio == b"OggS recorded"
    assert running.assistant.recognition_requests[0].format is None
    assert transcript.text == "🎙 «какой у вас адрес»"
    assert answer.text == "Ответ: какой у вас адрес"
    assert running.assistant.turns[0].speak
    assert running.assistant.turns[0].preset == "warm"
    assert spoken.method == "sendVoice"
    with av.open(io.BytesIO(spoken.voice)) as container:
        assert container.format.name == "ogg"
        assert container.streams.audio[0].codec_context.name == "opus"
        seconds = sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))
    assert seconds == pytest.approx(TONE_S, abs=0.1)


async def test_voice_note_is_answered_in_text_if_configured(server: TelegramServer) -> None:
    server.files["note1"] = b"OggS"
    async with running_bot(server, answer_voice_with_voice=False) as running:
        await server.push(**voice("note1", 4))
        await server.wait_for_messages(2)
    assert not running.assistant.turns[0].speak
    assert running.conversations.kept == []
    assert server.call_count("sendVoice") == 0


@pytest.mark.parametrize("announced", [25 * 1024 * 1024, 100], ids=["announced", "reported by getFile"])
async def test_voice_above_telegram_limit_is_refused(server: TelegramServer, announced: int) -> None:
    async with running_bot(server) as running:
        await server.push(**voice("absent", announced))
        (sent,) = await server.wait_for_messages(1)
    assert "20 МБ" in sent.text
    assert running.assistant.recognition_requests == []


async def test_voice_larger_than_announced_is_refused(server: TelegramServer) -> None:
    server.files["note1"] = bytes(200_000)
    async with running_bot(server, limits=fast_limits(max_file_bytes=100_000)) as running:
        await server.push(**voice("note1", 10))
        assert "20 МБ" in (await server.wait_for_messages(1))[0].text
    assert running.assistant.recognition_requests == []


@pytest.mark.parametrize(
    ("assistant", "text"),
    [
        (ScriptedBotAssistant(transcript=" "), "не расслышал"),
        (ScriptedBotAssistant(transcription_error=UnsupportedAudio("not sound")), "не расслышал"),
        (ScriptedBotAssistant(transcription_error=TooLarge("two hours")), "слишком большая"),
        (ScriptedBotAssistant(transcription_error=EngineFailed("whisper died")), "не получилось"),
    ],
)
async def test_voice_that_fails_gets_explanation(
    server: TelegramServer, assistant: ScriptedBotAssistant, text: str
) -> None:
    server.files["note1"] = b"OggS"
    async with running_bot(server, assistant):
        await server.push(**voice("note1", 4))
        (sent,) = await server.wait_for_messages(1)
    assert text in sent.text


async def _prepared(turn: ChatTurn) -> AsyncIterator[TurnEvent]:
    yield AnswerMatched(AnswerMatch(7, "Ленина, 1", "ru", "exact", 100, "адрес"))
    yield TextDelta("Ленина, 1")
    yield TurnFinished(route="faq:7")


async def _broken_off(turn: ChatTurn) -> AsyncIterator[TurnEvent]:
    yield TextDelta("Сейчас расск")
    yield TurnFailed("engine_failed", "replica died", True)


async def _silent(turn: ChatTurn) -> AsyncIterator[TurnEvent]:
    yield TurnFinished()


async def _crashing(turn: ChatTurn) -> AsyncIterator[TurnEvent]:
    yield TextDelta("")
    raise RuntimeError("boom")


@pytest.mark.parametrize(
    ("script", "texts"),
    [
        (_prepared, ["Ленина, 1"]),
        (_broken_off, ["Сейчас расск", "Простите!"]),
        (_silent, ["Простите!"]),
        (_crashing, ["Простите!"]),
        (slow_script(60), ["Простите!"]),
    ],
)
async def test_failed_turn_sends_partial_and_error_text(
    server: TelegramServer, script: object, texts: list[str]
) -> None:
    assistant = ScriptedBotAssistant(script)  # type: ignore[arg-type]
    async with running_bot(
        server, assistant, limits=fast_limits(turn_timeout_s=0.3), error_message="Простите!"
    ) as running:
        await server.push(text="Вопрос")
        sent = await server.wait_for_messages(len(texts))
        await server.push(**command("/help"))
        await server.wait_for_messages(len(texts) + 1)
    assert [message.text for message in sent] == texts
    assert running.assistant.running == 0
    assert running.bot.status().failures == ("Простите!" in texts)


async def test_unknown_route_sends_error_text(server: TelegramServer) -> None:
    async with running_bot(server, route="martian") as running:
        await server.push(text="Вопрос")
        assert "не получилось" in (await server.wait_for_messages(1))[0].text
    assert running.bot.status().last_failure.startswith("model_not_found")


async def test_question_is_answered_without_office(server: TelegramServer) -> None:
    async with running_bot(server, conversations=MemoryConversations(error=Unavailable("office is down"))) as running:
        await server.push(text="Вопрос")
        await server.push(**command("/new"))
        answered, restarted = await server.wait_for_messages(2)
    assert answered.text == "Ответ: Вопрос"
    assert running.assistant.turns[0].session_id is None
    assert "не получилось" in restarted.text


async def test_typing_is_repeated_until_answer(server: TelegramServer) -> None:
    async with running_bot(
        server, ScriptedBotAssistant(slow_script(0.5)), limits=fast_limits(chat_action_interval_s=0.1)
    ):
        await server.push(text="Вопрос")
        await server.wait_for_messages(1)
        shown = server.call_count("sendChatAction")
        await server.push(**command("/help"))
        await server.wait_for_messages(2)
    assert shown >= 3
    assert server.call_count("sendChatAction") <= shown + 1


async def test_typing_is_not_sent_when_disabled(server: TelegramServer) -> None:
    server.files["note1"] = b"OggS"
    async with running_bot(
        server,
        ScriptedBotAssistant(slow_script(0.2)),
        limits=fast_limits(chat_action_interval_s=0.05),
        typing_enabled=False,
    ):
        await server.push(text="Вопрос")
        await server.push(**voice("note1", 4))
        await server.wait_for_messages(4)
    assert server.call_count("sendChatAction") == 0


async def test_long_answer_is_sent_in_several_messages(server: TelegramServer) -> None:
    async def long(turn: ChatTurn) -> AsyncIterator[TurnEvent]:
        yield TextDelta("Слово. " * 1500)
        yield TurnFinished()

    async with running_bot(server, ScriptedBotAssistant(long)):
        await server.push(text="Вопрос")
        sent = await server.wait_for_messages(3)
    assert " ".join(message.text for message in sent) == ("Слово. " * 1500).strip()
