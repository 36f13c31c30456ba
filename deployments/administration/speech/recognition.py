"""Speech recognition for administrators: which engine hears, transcripts of recordings, and the round-trip test."""

from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from deployments.answers.normalise import normalise
from deployments.audio.pcm_converter import PcmConverter
from deployments.contracts.audio import PCM16_16K
from deployments.contracts.engines import Assistant
from deployments.contracts.errors import EngineFailed, SecretaryError
from deployments.contracts.recognition_choice import Need, choose_recognizer
from deployments.contracts.speech import (
    AUTO,
    EngineStatus,
    RecognitionRequest,
    SpeechRequest,
    TranscriptFinished,
    TranscriptSegment,
)
from deployments.contracts.streams import Closing

MATCH_RATIO = 0.8


@dataclass(frozen=True, slots=True)
class HearingChoice:
    """The engine that ``auto`` chooses now, and why; without an engine, what is in the way."""

    engine: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class RecordingTranscript:
    segments: tuple[TranscriptSegment, ...]
    finished: TranscriptFinished


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """``ratio`` is the similarity of the words, 0..1, ignoring case and punctuation; ``match`` means at least 0.8."""

    original_text: str
    recognized_text: str
    match: bool
    ratio: float
    seconds: float
    engine: str


async def recognition_engines(assistant: Assistant) -> list[EngineStatus]:
    return [each for each in await assistant.status() if each.kind == "recognition"]


async def chosen_recognizer(assistant: Assistant, engine: str, language: str | None) -> HearingChoice:
    """Who hears a recording. Raises the errors of ``choose_recognizer``."""
    engines = await recognition_engines(assistant)
    choice = choose_recognizer(engines, "file", language, engine)
    return HearingChoice(engines[choice.index].engine, choice.reason)


def hearing_choice(engines: Sequence[EngineStatus], need: Need, language: str | None = None) -> HearingChoice:
    """Who hears a recording (``file``) or a live session."""
    try:
        choice = choose_recognizer(engines, need, language)
    except SecretaryError as error:
        return HearingChoice(None, error.message)
    return HearingChoice(engines[choice.index].engine if choice.ready else None, choice.reason)


async def transcribe_recording(assistant: Assistant, request: RecognitionRequest) -> RecordingTranscript:
    """Raises what the assistant raises, and EngineFailed when recognition ends early."""
    segments: list[TranscriptSegment] = []
    async with Closing(assistant.transcribe(request)) as events:
        async for event in events:
            if isinstance(event, TranscriptFinished):
                return RecordingTranscript(tuple(segments), event)
            segments.append(event)
    raise EngineFailed("The recording could not be transcribed: recognition ended early.")


async def round_trip(
    assistant: Assistant, text: str, voice: str | None = None, language: str | None = None, engine: str = AUTO
) -> RoundTrip:
    """Speaks ``text``, transcribes the sound and compares the texts. Raises what the assistant raises."""
    chosen = await chosen_recognizer(assistant, engine, language)
    stream = PcmConverter(PCM16_16K)
    async with Closing(assistant.speak(SpeechRequest(text, voice, language))) as chunks:
        sound = b"".join([stream.feed(chunk) async for chunk in chunks]) + stream.finish()
    request = RecognitionRequest(sound, PCM16_16K, language, engine=engine)
    heard = (await transcribe_recording(assistant, request)).finished
    ratio = fuzz.ratio(normalise(text), normalise(heard.text)) / 100
    return RoundTrip(
        original_text=text,
        recognized_text=heard.text.strip(),
        match=ratio >= MATCH_RATIO,
        ratio=round(ratio, 3),
        seconds=round(heard.seconds, 3),
        engine=heard.engine or chosen.engine or "",
    )
