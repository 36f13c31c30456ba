"""Whisper in a worker process (``deployments.isolation``): one call transcribes PCM16.

``{"do": "languages"}`` returns ``{"languages": [...]}``. ``{"do": "transcribe"}`` with the rate, the channels and the
fields of RecognitionRequest in the header and the samples as its body returns one item for each segment (the fields of
TranscriptSegment) and then ``{"text": …, "language": …}``.

Whisper hears only what the Silero VAD takes for speech, and ``TranscriptCheck`` drops the words that it invents all the
same. CTranslate2 cannot be interrupted inside a call of the library: whether the caller has left is looked at before
each of them, and the parent ends the process when one takes longer.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from deployments.audio.convert import AudioConverter
from deployments.contracts.audio import PCM16_16K, AudioFormat
from deployments.contracts.speech import TranscriptSegment, Word
from deployments.engines.memory import release_memory, trim_heap
from deployments.engines.recognition.transcript_check import TranscriptCheck, most_letters, speech_seconds
from deployments.engines.recognition.voice_activity import Samples, SpeechCut, cut_speech, whole_recording
from deployments.isolation.handler import CallError, Handler, ItemSender

ENGINE_FAILED = "engine_failed"
_TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)  # Whisper retries at a higher temperature when the text looks wrong
_SHORT_S = 2.0
"""Of speech. Retries of such a sound take seconds and invent words."""
_SURE_LANGUAGE = 0.5
_WRITTEN_WITHOUT_SPACES = frozenset(("zh", "ja", "yue", "th", "lo", "my", "km", "bo"))
_EXTRA_TOKENS = 16
_RETRY_S = 10.0
_MOST_TOKENS = 220
"""What Whisper can write after the longest prompt."""


class CallerLeft(Exception):
    pass


class InterruptibleModel:
    """CTranslate2's model. Its methods raise CallerLeft instead of beginning when ``caller_left`` says so.

    Noise and music fail every check of a text, so that Whisper would try all temperatures for a minute. Each window has
    ``retry_s`` seconds for that; later retries get the last text at once.
    """

    def __init__(
        self,
        model: Any,
        retry_s: float = _RETRY_S,
        clock: Callable[[], float] = time.monotonic,
        free_memory: Callable[[], None] = trim_heap,
    ) -> None:
        """``free_memory`` runs before each encoding and each try. What the call before left in the heap would
        otherwise be added to its memory: 216 MB instead of 126 with the longest prompt (model base)."""
        self._model = model
        self._free_memory = free_memory
        self._retry_s = retry_s
        self._clock = clock
        self._window: Any = None
        self._last: Any = None
        self._tried_since = 0.0
        self.caller_left: Callable[[], bool] = lambda: False

    def generate(self, window: Any, *arguments: Any, **options: Any) -> Any:
        """One try of the texts of ``window``, what the encoder returned for it."""
        if self.caller_left():
            raise CallerLeft
        if window is not self._window:
            self._window, self._tried_since, self._last = window, self._clock(), None
        if self._last is None or self._clock() < self._tried_since + self._retry_s:
            self._free_memory()
            self._last = self._model.generate(window, *arguments, **options)
        return self._last

    def encode(self, *arguments: Any, **options: Any) -> Any:
        """What the encoder makes of one window."""
        if self.caller_left():
            raise CallerLeft
        self._free_memory()
        return self._model.encode(*arguments, **options)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._model, name)
        if not callable(found):
            return found

        def call(*arguments: Any, **options: Any) -> Any:
            if self.caller_left():
                raise CallerLeft
            return found(*arguments, **options)

        return call


def open_whisper(options: dict[str, Any]) -> Handler:
    """``options`` are the fields of FasterWhisperOptions. Raises CallError when the model cannot be loaded."""
    from faster_whisper import WhisperModel

    try:
        model = WhisperModel(
            str(options["model"]),
            device=str(options["device"]),
            compute_type=str(options["compute_type"]),
            cpu_threads=options["threads"],
            local_files_only=True,
        )
    except (RuntimeError, ValueError) as error:
        raise CallError(ENGINE_FAILED, f"cannot load the Whisper model {options['model']}: {error}") from error
    return Transcriber(model, options).answer


class Transcriber:
    """Answers the calls of one process."""

    def __init__(self, model: Any, options: dict[str, Any]) -> None:
        self._model = model
        self._model.model = self._library = InterruptibleModel(model.model)
        self._options = options

    def answer(self, header: dict[str, Any], body: bytes, sender: ItemSender) -> None:
        """Runs one call. Raises CallError when Whisper fails."""
        if header["do"] == "languages":
            sender.put({"languages": self._model.supported_languages})
            return
        self._library.caller_left = lambda: sender.closed
        try:
            self._transcribe(header, body, sender)
        except CallerLeft:
            return
        except (RuntimeError, ValueError) as error:
            raise CallError(ENGINE_FAILED, f"Whisper failed: {type(error).__name__}") from error
        finally:
            release_memory()

    def _transcribe(self, header: dict[str, Any], body: bytes, sender: ItemSender) -> None:
        audio_format = AudioFormat(header["rate"], channels=header["channels"])
        samples = _samples(body, audio_format)
        cut = cut_speech(samples) if self._options["skip_silence"] else whole_recording(samples)
        language = header["language"] or ""
        texts: list[str] = []
        if cut.spans:
            language = language or self._detect_language(cut)
            check = TranscriptCheck(audio_format.seconds(len(body)), cut.spans)
            for segment in map(_segment, cut.restored(self._decode(cut, header, language))):
                if checked := check.accept(segment):
                    texts.append(checked.text)
                    if not sender.put(asdict(checked)):
                        return
        text = ("" if language in _WRITTEN_WITHOUT_SPACES else " ").join(texts)
        sender.put({"text": text, "language": "en" if header["translate"] else language})

    def _detect_language(self, cut: SpeechCut) -> str:
        """The language of the first window; of the likely ones where it is unsure, as in short or noisy sounds."""
        if len(self._model.supported_languages) == 1:
            return str(self._model.supported_languages[0])
        language, probability, every = self._model.detect_language(cut.samples)
        likely = [(score, name) for name, score in every if name in self._options["likely_languages"]]
        return str(language if probability >= _SURE_LANGUAGE or not likely else max(likely)[1])

    def _decode(self, cut: SpeechCut, header: dict[str, Any], language: str) -> Iterator[Any]:
        speech_s = speech_seconds(cut.spans, 0.0, float("inf"))
        most_tokens = 2 * (most_letters(speech_s) + _EXTRA_TOKENS)  # CTranslate2 writes half as many
        segments, _ = self._model.transcribe(
            cut.samples,
            language=language,
            task="translate" if header["translate"] else "transcribe",
            beam_size=self._options["beam_size"],
            best_of=1,  # five, the default, take 300 MB and twice the time for a sound without words
            temperature=header["temperature"] or (_TEMPERATURES if speech_s > _SHORT_S else 0.0),
            initial_prompt=header["prompt"] or None,
            word_timestamps=header["words"],
            max_new_tokens=most_tokens if most_tokens <= _MOST_TOKENS else None,
        )
        return iter(segments)


def _samples(audio: bytes, format: AudioFormat) -> Samples:
    """Converts to the input of Whisper: mono at 16 kHz, samples between -1 and 1."""
    converter = AudioConverter(format, PCM16_16K)
    pcm = converter.feed(audio) + converter.finish()
    return np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32_768)


def _segment(segment: Any) -> TranscriptSegment:
    return TranscriptSegment(
        id=segment.id,
        text=segment.text.strip(),
        start=float(segment.start),  # numpy numbers with word timestamps
        end=float(segment.end),
        words=tuple(
            Word(w.word.strip(), float(w.start), float(w.end), float(w.probability)) for w in segment.words or ()
        ),
        tokens=tuple(segment.tokens),
        temperature=segment.temperature or 0.0,
        avg_logprob=float(segment.avg_logprob),
        compression_ratio=float(segment.compression_ratio),
        no_speech_prob=float(segment.no_speech_prob),
    )
