"""Requests and results of speech synthesis and recognition, and the status of engines."""

from dataclasses import dataclass, field

from deployments.contracts.audio import PCM16_16K, AudioFormat
from deployments.contracts.memory_file import MemoryFileReference
from deployments.contracts.voice_settings import PresetParams

AUTO = "auto"
"""The engine that the graph chooses."""
OPENAI_VOICES = frozenset(
    ("alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx", "sage", "shimmer", "verse")
)
"""Voice names of the OpenAI API. Each means the default voice of the language."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice. ``languages`` are BCP 47 primary subtags, the best one first; ``rate`` is in Hz. ``cloned``: it was made
    from recordings of a person, who must have consented before it speaks."""

    id: str
    name: str
    engine: str
    languages: tuple[str, ...]
    rate: int
    neural: bool = True
    model_id: str = ""
    cloned: bool = False


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """Text to be spoken.

    ``voice_id`` None: the best voice of the engine for ``language``. ``language`` None: detected from the text.
    ``speed`` is a factor of the recorded speed, 0.25..4. ``preset`` None: the preset of the voice, else the default
    one; presets are resolved before an engine is called. ``split`` False: ``text`` is not split into sentences.
    ``parameters`` are those of the preset, for engines that sample; None: the defaults of the engine. Their speed is
    already a factor of ``speed``. A request to the assistant may have them in place of a preset, and their speed is
    then applied. ``line_format``: audio that is ready in this format is given in it.

    ``due_in`` is the number of seconds until the listener hears silence; None: now. ``math.inf`` marks idle work, which
    runs only when nobody waits and gives way between pieces. A replica counts it from the arrival of the request, and
    the sound that it delivers moves the deadline. Callers whose listeners hear silence already take turns: ``caller``
    names an API key, a bot or another source.
    """

    text: str
    voice_id: str | None = None
    language: str | None = None
    speed: float = 1.0
    preset: str | None = None
    split: bool = True
    parameters: PresetParams | None = None
    due_in: float | None = None
    line_format: AudioFormat | None = None
    caller: str = ""


@dataclass(frozen=True, slots=True)
class RecognitionRequest:
    """Audio to be transcribed. ``format`` None: a container file (wav, mp3, ogg, webm …) with at most ``max_seconds``
    of audio, either ``audio`` or ``file``, which its owner keeps open while it is transcribed.

    ``engine`` names the recognition engine; ``auto`` lets the graph choose. ``hot_words``: words and phrases that the
    recording probably has.
    """

    audio: bytes = b""
    format: AudioFormat | None = None
    language: str | None = None
    prompt: str = ""
    temperature: float = 0.0
    translate: bool = False
    word_timestamps: bool = False
    max_seconds: float = 3_600
    file: MemoryFileReference | None = None
    engine: str = AUTO
    hot_words: tuple[str, ...] = ()

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
    """The end of a transcript: the whole text, the detected language (BCP 47) and the length of the audio in seconds.

    ``engine`` heard it; ``reason`` says why that one was chosen. ``unknown_words``: those of ``hot_words`` that the
    vocabulary of the model lacks.
    """

    text: str
    language: str
    seconds: float
    model: str = ""
    engine: str = ""
    reason: str = ""
    unknown_words: tuple[str, ...] = ()


TranscriptEvent = TranscriptSegment | TranscriptFinished


@dataclass(frozen=True, slots=True)
class ListenRequest:
    """A live session. Its audio comes in blocks of ``format``: mono, at 8,000 or 16,000 Hz.

    ``grammar``: phrases, nothing else is heard; only for engines that have grammars. ``hot_words``: words and phrases
    that are probably said; a grammar makes them superfluous. ``silence_ms`` of silence end an utterance.
    ``second_pass``: an engine that hears recordings corrects the words of the live one.
    """

    format: AudioFormat = PCM16_16K
    language: str | None = None
    engine: str = AUTO
    grammar: tuple[str, ...] = ()
    hot_words: tuple[str, ...] = ()
    partials: bool = True
    words: bool = False
    silence_ms: int = 500
    second_pass: bool = False
    max_seconds: float = 3_600


@dataclass(frozen=True, slots=True)
class ListeningStarted:
    """The first event of a live session. ``reason`` says why ``engine`` was chosen. ``second_engine`` corrects it.
    ``replica`` is where the session is, in a graph with several. ``unknown_words``: those of grammar and hot words that
    the vocabulary of the model lacks; they are never heard."""

    engine: str
    model: str
    reason: str
    second_engine: str = ""
    replica: str = ""
    unknown_words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Somebody began to speak. Utterances are counted from 1. Times of a session are seconds from its start."""

    utterance: int
    time: float


@dataclass(frozen=True, slots=True)
class PartialTranscript:
    """The words of an utterance that is being spoken. Later events replace them."""

    utterance: int
    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The utterance ended at ``time``; its final words follow, also after the start of the next utterance."""

    utterance: int
    time: float


@dataclass(frozen=True, slots=True)
class FinalTranscript:
    """The words of one utterance. ``text`` is empty when it held none."""

    utterance: int
    text: str
    start: float
    end: float
    language: str
    engine: str
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class WordChange:
    """Words of the first pass that the second one heard differently. Either side may be empty."""

    first: str
    second: str


@dataclass(frozen=True, slots=True)
class RevisedTranscript:
    """What the second engine heard in an utterance, and how it differs from the first transcript."""

    utterance: int
    text: str
    start: float
    end: float
    language: str
    engine: str
    first_text: str
    changes: tuple[WordChange, ...] = ()
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class TranscriptFailed:
    """An engine failed at one utterance; the session goes on."""

    utterance: int
    engine: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ListeningFinished:
    """The last event of a session: all of its audio was heard."""

    seconds: float
    utterances: int


HearingEvent = (
    ListeningStarted
    | SpeechStarted
    | PartialTranscript
    | SpeechEnded
    | FinalTranscript
    | RevisedTranscript
    | TranscriptFailed
    | ListeningFinished
)


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """The status of one engine. ``error`` explains why it is not ``ready``; ``remedy`` is a command that solves it.

    ``loading``: the first attempt to load is not finished. ``failed_at`` (Unix seconds): the last request failed at
    that time, while the engine stayed loaded. ``languages`` are those that the model of a chat engine speaks, or that a
    recognizer hears; empty means any. ``live``: a recognizer that gives words while somebody speaks. ``adapters`` are
    the names of LoRA adapters. ``progress`` is what a loading engine does now, a short phrase such as "loading weights
    45 %".
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
    live: bool = False
    detail: dict[str, str] = field(default_factory=dict)

    @property
    def healthy(self) -> bool:
        """Whether the engine is loaded and its last request did not fail."""
        return self.ready and not self.error
