"""What goes in and out of voices and ears."""

from dataclasses import dataclass, field

from deployments.contracts.audio import AudioFormat

OPENAI_VOICES = frozenset(
    ("alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx", "sage", "shimmer", "verse")
)
"""Built-in names of the OpenAI API; here each means "the default voice of the language"."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice that can be named. ``languages`` are BCP 47 primary tags, the best one first."""

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

    ``voice_id`` None: the engine's best voice for ``language``. ``language`` None: detected from the text.
    ``speed`` is a factor, 1.0 = as recorded, 0.25..4. ``preset`` None: the voice's own, else the default one; it is
    resolved before an engine is asked. ``split`` False: ``text`` is one piece and is not cut into sentences again.
    """

    text: str
    voice_id: str | None = None
    language: str | None = None
    speed: float = 1.0
    preset: str | None = None
    split: bool = True


@dataclass(frozen=True, slots=True)
class RecognitionRequest:
    """Sound to be understood. ``format`` None: ``audio`` is a container file (wav, mp3, ogg, webm …) to be decoded, of
    at most ``max_seconds`` of sound."""

    audio: bytes
    format: AudioFormat | None = None
    language: str | None = None
    prompt: str = ""
    temperature: float = 0.0
    translate: bool = False
    word_timestamps: bool = False
    max_seconds: float = 3_600


@dataclass(frozen=True, slots=True)
class Word:
    """``start`` and ``end`` in seconds from the beginning of the sound."""

    text: str
    start: float
    end: float
    probability: float = 1.0


@dataclass(frozen=True, slots=True)
class TranscriptSegment:
    """A stretch of recognised speech; fields as in the verbose_json reply of the OpenAI API."""

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
    """End of a transcript: the whole text, the language heard (BCP 47) and the length of the sound in seconds."""

    text: str
    language: str
    seconds: float
    model: str = ""


TranscriptEvent = TranscriptSegment | TranscriptFinished


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """Health of one engine. ``ready`` False with ``error`` and ``remedy`` (a command) means degraded, not dead;
    ``loading`` True means that the first attempt to load is not over yet. ``failed_at`` (Unix seconds) with ``error``:
    its last answer failed then; it is loaded and may well do the next."""

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
    detail: dict[str, str] = field(default_factory=dict)

    @property
    def healthy(self) -> bool:
        """Loaded, and its last answer did not fail."""
        return self.ready and not self.error
