"""Requests and results of speech synthesis and recognition, and the status of engines."""

from dataclasses import dataclass, field

from deployments.contracts.audio import AudioFormat
from deployments.contracts.memory_file import MemoryFileReference
from deployments.contracts.voice_settings import PresetParams

OPENAI_VOICES = frozenset(
    ("alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx", "sage", "shimmer", "verse")
)
"""Voice names of the OpenAI API. Each means the default voice of the language."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice. ``languages`` are BCP 47 primary subtags, the best one first; ``rate`` is in Hz."""

    id: str
    name: str
    engine: str
    languages: tuple[str, ...]
    rate: int
    neural: bool = True
    model_id: str = ""


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """Text to be spoken.

    ``voice_id`` None: the best voice of the engine for ``language``. ``language`` None: detected from the text.
    ``speed`` is a factor of the recorded speed, 0.25..4. ``preset`` None: the preset of the voice, else the default
    one; presets are resolved before an engine is called. ``split`` False: ``text`` is not split into sentences.
    ``parameters`` are those of the preset, for engines that sample; None: the defaults of the engine. Their speed is
    already a factor of ``speed``.
    """

    text: str
    voice_id: str | None = None
    language: str | None = None
    speed: float = 1.0
    preset: str | None = None
    split: bool = True
    parameters: PresetParams | None = None


@dataclass(frozen=True, slots=True)
class RecognitionRequest:
    """Audio to be transcribed. ``format`` None: a container file (wav, mp3, ogg, webm …) with at most ``max_seconds``
    of audio, either ``audio`` or ``file``, which its owner keeps open while it is transcribed."""

    audio: bytes = b""
    format: AudioFormat | None = None
    language: str | None = None
    prompt: str = ""
    temperature: float = 0.0
    translate: bool = False
    word_timestamps: bool = False
    max_seconds: float = 3_600
    file: MemoryFileReference | None = None

    @property
    def recording(self) -> bytes | MemoryFileReference:
        """The container file."""
        return self.audio if self.file is None else self.file

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.audio) if self.file is None else self.file.size


@dataclass(frozen=True, slots=True)
class Word:
    """A recognised word. ``start`` and ``end`` are seconds from the start of the audio."""

    text: str
    start: float
    end: float
    probability: float = 1.0


@dataclass(frozen=True, slots=True)
class TranscriptSegment:
    """A segment of recognised speech. Its fields are those of the verbose_json response of the OpenAI API."""

    id: int
    text: str
    start: float
    end: float
    words: tuple[Word, ...] = ()
    tokens: tuple[int, ...] = ()
    temperature: float = 0.0
    avg_logprob: float = 0.0
    compression_ratio: float = 0.0
    no_speech_prob: float = 0.0


@dataclass(frozen=True, slots=True)
class TranscriptFinished:
    """The end of a transcript: the whole text, the detected language (BCP 47) and the length of the audio in
    seconds."""

    text: str
    language: str
    seconds: float
    model: str = ""


TranscriptEvent = TranscriptSegment | TranscriptFinished


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """The status of one engine. ``error`` explains why it is not ``ready``; ``remedy`` is a command that solves it.

    ``loading``: the first attempt to load is not finished. ``failed_at`` (Unix seconds): the last request failed at
    that time, while the engine stayed loaded. ``languages`` of a chat engine are those that its model speaks; empty
    means any. ``adapters`` are the names of its LoRA adapters. ``progress`` is what a loading engine does now, a short
    phrase such as "loading weights 45 %".
    """

    name: str
    kind: str
    engine: str
    ready: bool
    model: str = ""
    revision: str = ""
    error: str = ""
    remedy: str = ""
    loading: bool = False
    failed_at: float | None = None
    languages: tuple[str, ...] = ()
    adapters: tuple[str, ...] = ()
    progress: str = ""
    detail: dict[str, str] = field(default_factory=dict)

    @property
    def healthy(self) -> bool:
        """Whether the engine is loaded and its last request did not fail."""
        return self.ready and not self.error
