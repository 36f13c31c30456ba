"""Vosk with the packaged Korean model, and voice detection: the protocol, not the accuracy."""

import os
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from deployments.audio.convert import AudioConverter
from deployments.contracts.audio import MULAW_8K, PCM16_8K, PCM16_16K
from deployments.contracts.errors import EngineFailed, InvalidRequest, LanguageNotSupported, SecretaryError
from deployments.contracts.speech import (
    FinalTranscript,
    ListeningStarted,
    ListenRequest,
    PartialTranscript,
    RecognitionRequest,
    SpeechEnded,
    SpeechRequest,
    SpeechStarted,
)
from deployments.engines.conformance import collect
from deployments.engines.recognition.live_hearing import LiveHearing
from deployments.engines.recognition.voice_detection import VoiceDetection
from deployments.engines.recognition.vosk import VoskOptions, VoskRecognizer
from deployments.engines.registry import build_engine
from tests.contract.engine_options import engine_options
from tests.waiting import wait_until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.model]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def vosk() -> AsyncIterator[VoskRecognizer]:
    engine = VoskRecognizer(VoskOptions.model_validate(engine_options("vosk")))
    await engine.start()
    yield engine
    await engine.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def speech() -> bytes:
    """A sentence of espeak-ng with silence around it, as mu-law at 8 kHz."""
    engine = build_engine("speech", "espeak")
    await engine.start()
    chunks = [chunk async for chunk in engine.synthesize(SpeechRequest("Hello, how are you today?", language="en"))]
    await engine.stop()
    converter = AudioConverter(chunks[0].format, MULAW_8K)
    spoken = converter.feed(b"".join(chunk.audio for chunk in chunks)) + converter.finish()
    return MULAW_8K.silence(0.5) + spoken + MULAW_8K.silence(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def korean() -> bytes:
    """PCM16 at 16 kHz. What Vosk makes of it is not what was said."""
    engine = build_engine("speech", "espeak")
    await engine.start()
    chunks = await collect(engine.synthesize(SpeechRequest("전화 번호를 알려 주세요", language="ko")))
    await engine.stop()
    converter = AudioConverter(chunks[0].format, PCM16_16K)
    return b"".join(converter.feed(chunk.audio) for chunk in chunks) + converter.finish() + PCM16_16K.silence(0.5)


async def sound(data: bytes, block: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), block):
        yield data[start : start + block]


async def test_recording_gives_segments_with_word_times(vosk: VoskRecognizer, speech: bytes) -> None:
    pcm = AudioConverter(MULAW_8K, PCM16_8K).feed(speech)
    request = RecognitionRequest(pcm, PCM16_8K, language="ko", word_timestamps=True)
    *segments, finished = await collect(vosk.transcribe(request))
    assert all(0 <= word.start <= word.end <= finished.seconds for each in segments for word in each.words)
    assert (finished.language, finished.text) == ("ko", " ".join(segment.text for segment in segments))


async def test_unknown_language_and_translation_are_refused(vosk: VoskRecognizer) -> None:
    for request, error in (
        (RecognitionRequest(b"", PCM16_16K, language="ru"), LanguageNotSupported),
        (RecognitionRequest(b"", PCM16_16K, translate=True), InvalidRequest),
    ):
        with pytest.raises(error):
            vosk.transcribe(request)
    assert (vosk.status().languages, vosk.status().live) == (("ko",), True)


async def test_live_words_in_g711_with_a_grammar(vosk: VoskRecognizer, speech: bytes) -> None:
    detection = VoiceDetection(4)
    hearing = LiveHearing(detection, ListeningStarted("vosk", "ko", ""), vosk, None)
    request = ListenRequest(MULAW_8K, words=True, grammar=("안녕 하세요", "네"))
    try:
        events = [event async for event in hearing.listen(request, sound(speech, 801))]
    finally:
        await detection.stop()
    started = next(event for event in events if isinstance(event, SpeechStarted))
    ended = next(event for event in events if isinstance(event, SpeechEnded))
    assert 0.4 < started.time < ended.time < MULAW_8K.seconds(len(speech)) - 0.5
    finals = [event for event in events if isinstance(event, FinalTranscript)]
    heard = {word.text for final in finals for word in final.words}
    assert heard
    assert heard <= {"안녕", "하세요", "네"}
    assert any(isinstance(event, PartialTranscript) for event in events)
    assert all(started.time - 0.5 <= word.start <= word.end <= ended.time + 0.5 for word in finals[0].words)
    assert vosk.status().detail["live"] == "0"


async def test_hot_words_choose_the_final_text(vosk: VoskRecognizer, korean: bytes) -> None:
    """옥스 and OX sound the same. Vosk takes the first for a little likelier."""

    async def words(*hot_words: str) -> tuple[set[str], tuple[str, ...]]:
        request = RecognitionRequest(korean, PCM16_16K, "ko", word_timestamps=True, hot_words=hot_words)
        *segments, finished = await collect(vosk.transcribe(request))
        heard = [word for segment in segments for word in segment.words]
        assert all(0 < word.probability <= 1 for word in heard)
        assert all(0 <= word.start < word.end <= finished.seconds for word in heard)
        return set(finished.text.split()), finished.unknown_words

    plain, unknown = await words()
    assert ("옥스" in plain, "OX" in plain, unknown) == (True, False, ())
    changed, unknown = await words("Абырвалг", "OX")
    assert ("옥스" in changed, "OX" in changed, unknown) == (False, True, ("Абырвалг",))
    live = await vosk.open_words("ko", hot_words=("Абырвалг", "OX"))
    partial = await live.feed(korean)
    assert (bool(partial), "OX" in (await live.finish()).text.split()) == (True, True)
    assert live.unknown_words == ("Абырвалг",)
    await live.close()


async def test_killed_worker_ends_its_sessions_and_comes_back(vosk: VoskRecognizer) -> None:
    words = await vosk.open_words("ko")
    (killed,) = vosk.pids
    os.kill(killed, signal.SIGKILL)
    with pytest.raises(EngineFailed):
        await words.feed(bytes(3_200))
    await words.close()
    await wait_until(lambda: vosk.pids and vosk.pids != (killed,), timeout_s=60)
    again = await vosk.open_words("ko")
    assert await again.feed(bytes(3_200)) == ""
    await again.close()


async def test_session_outlives_its_voice_detection(speech: bytes) -> None:
    detection = VoiceDetection(1)
    session = await detection.open(MULAW_8K)
    assert (await session.feed(speech[:8_000])).pcm
    os.kill(detection.pids[0], signal.SIGSEGV)
    heard = await session.feed(speech[8_000:])
    assert max(heard.speech) > 0.5
    await session.close()
    await detection.stop()


@pytest.mark.parametrize("name", ["empty", "garbage"])
async def test_folder_without_a_model_is_an_error(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    folder = tmp_path_factory.mktemp(name)
    if name == "garbage":
        (folder / "am").mkdir()
        (folder / "am" / "final.mdl").write_bytes(os.urandom(4_000))
    engine = VoskRecognizer(VoskOptions(models={"ru": folder}))
    with pytest.raises(SecretaryError):
        await engine.start()
    assert not engine.status().ready
    assert not engine.pids
