"""The recognition replica and its client, without Ray: engines are scripted, voice detection is real."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import pytest

from deployments.arguments import RecognitionArgs
from deployments.audio.convert import AudioConverter
from deployments.audio.encode import wav_file
from deployments.clients import RecognizerClient
from deployments.contracts.audio import PCM16_16K
from deployments.contracts.commands import secretary_command
from deployments.contracts.errors import InvalidRequest, ModelMissing, NotFound, Overloaded, ServiceStopped
from deployments.contracts.speech import (
    FinalTranscript,
    HearingEvent,
    ListeningFinished,
    ListeningStarted,
    ListenRequest,
    RecognitionRequest,
    SpeechRequest,
    TranscriptFinished,
)
from deployments.contracts.streams import Closing
from deployments.engines.registry import build_engine
from deployments.recognition import SpeechRecognition
from deployments.remote import RemoteDeployment
from tests.waiting import wait_until

ARGS = RecognitionArgs.model_validate(
    {"engines": [{"engine": "transcript", "options": {"text": "да"}}], "max_transcripts": 1, "max_sessions": 1}
)


class InProcess(RemoteDeployment):
    """Calls a replica without Ray. Calls for another replica reach this one, as after its end."""

    def __init__(self, replica: SpeechRecognition) -> None:
        super().__init__(lambda: pytest.fail("not a real deployment"), "recognition")
        self._replica = replica
        self.tags: set[str] = set()

    async def call(self, method: str, *arguments: object, timeout_s: float | None = None, replica: str = "") -> object:
        self.tags.add(replica)
        return await getattr(self._replica, method)(*arguments)

    async def stream(self, method: str, *arguments: object) -> AsyncGenerator[object]:
        async with Closing(getattr(self._replica, method)(*arguments)) as items:
            async for item in items:
                yield item


@pytest.fixture
async def replica(tmp_path: Path) -> AsyncIterator[SpeechRecognition]:
    recognition = SpeechRecognition(ARGS, tmp_path, tmp_path, lambda: "r1")
    await recognition.start()
    await wait_until(lambda: recognition.ready(), timeout_s=10)
    yield recognition
    await recognition.stop()


async def spoken() -> bytes:
    engine = build_engine("speech", "espeak")
    await engine.start()
    chunks = [chunk async for chunk in engine.synthesize(SpeechRequest("Hello, who is there?", language="en"))]
    await engine.stop()
    converter = AudioConverter(chunks[0].format, PCM16_16K)
    return converter.feed(b"".join(chunk.audio for chunk in chunks)) + converter.finish() + PCM16_16K.silence(0.8)


async def blocks(sound: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(sound), 6_400):
        yield sound[start : start + 6_400]


async def test_live_session_through_the_client(replica: SpeechRecognition) -> None:
    remote = InProcess(replica)
    client = RecognizerClient(remote, "recognition")
    sound = await spoken()
    events: list[HearingEvent] = [event async for event in client.listen(ListenRequest(), blocks(sound))]
    assert isinstance(events[0], ListeningStarted)
    assert (events[0].engine, events[0].replica, remote.tags) == ("transcript", "r1", {"r1"})
    assert [event.text for event in events if isinstance(event, FinalTranscript)] == ["да"]
    assert isinstance(events[-1], ListeningFinished)
    with pytest.raises(NotFound):
        await replica.feed("gone", b"", True)
    with pytest.raises(InvalidRequest):
        await anext(client.listen(ListenRequest(second_pass=True), blocks(sound)))
    assert replica.ongoing() == 0


async def test_missing_model_is_named_with_its_remedy(tmp_path: Path) -> None:
    """Over both paths, and not an error of the choice."""
    engines = [{"engine": "faster_whisper", "options": {"model": "model://whisper-tiny"}}]
    recognition = SpeechRecognition(RecognitionArgs(engines=engines), tmp_path, tmp_path, lambda: "r1")
    await recognition.start()
    client = RecognizerClient(InProcess(recognition), "recognition")
    (status,) = await recognition.statuses()
    while status.loading:
        await asyncio.sleep(0.005)
        (status,) = await recognition.statuses()
    for stream in (client.transcribe(RecognitionRequest(b"RIFF")), client.listen(ListenRequest(), blocks(b""))):
        with pytest.raises(ModelMissing) as missing:
            await anext(stream)
        assert missing.value.remedy == secretary_command("models pull whisper-tiny")
    await recognition.unload()
    with pytest.raises(ServiceStopped):
        await anext(client.listen(ListenRequest(), blocks(b"")))
    await recognition.stop()


async def test_closed_session_makes_room_for_the_next(replica: SpeechRecognition) -> None:
    client = RecognizerClient(InProcess(replica), "recognition")

    async def forever() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0)
            yield bytes(3_200)

    first = client.listen(ListenRequest(), forever())
    await anext(first)
    with pytest.raises(Overloaded):
        await anext(client.listen(ListenRequest(), forever()))
    await first.aclose()
    second = client.listen(ListenRequest(), forever())
    assert isinstance(await anext(second), ListeningStarted)
    await second.aclose()


async def test_recording_names_its_engine_and_the_reason(replica: SpeechRecognition) -> None:
    tone = b"\x10\x27\xf0\xd8" * 8_000
    request = RecognitionRequest(wav_file(tone, PCM16_16K))
    *_, finished = [event async for event in replica.transcribe(request)]
    assert isinstance(finished, TranscriptFinished)
    assert (finished.text, finished.engine, finished.reason) == ("да", "transcript", "hears recordings best")
    first = replica.transcribe(request)
    await anext(first)
    with pytest.raises(Overloaded):
        await anext(replica.transcribe(request))
    await first.aclose()
