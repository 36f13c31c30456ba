"""Piper voice files, and the synthesis of phonemes to PCM in pieces.

Long sentences are split after a clause or between words: one run of the network cannot be interrupted and returns no
audio before it ends.
"""

import json
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deployments.contracts.errors import EngineFailed
from deployments.contracts.speech import Voice
from deployments.engines.languages import primary_tag
from deployments.engines.options import require_path
from deployments.engines.speech.speech_chunks import SpokenPcm

Sentence = list[str]
"""The phonemes of a sentence."""

_MAX_PHONEMES = 160  # phonemes: about 10 s of speech
_CLAUSE_MARKS = frozenset(",;:")
_MIN_PHONEMES = 50


@dataclass(frozen=True, slots=True)
class PiperVoiceFiles:
    """One speaker of a voice on disk: ``<name>.onnx`` and ``<name>.onnx.json``."""

    model: Path
    voice: Voice
    speaker: int | None = None


def find_voices(folder: Path) -> tuple[PiperVoiceFiles, ...]:
    """All voices in ``folder``, one per speaker. Raises ModelMissing for none, EngineFailed for an invalid config."""
    require_path(folder, "the Piper voice folder")
    models = sorted(folder.glob("*.onnx"))
    if not models:
        require_path(folder / "*.onnx", "the Piper voice")
    return tuple(files for model in models for files in _speakers(model))


def _speakers(model: Path) -> Iterator[PiperVoiceFiles]:
    config_path = require_path(model.with_suffix(".onnx.json"), "the Piper voice's configuration")
    try:
        config = json.loads(config_path.read_text())
        rate = int(config["audio"]["sample_rate"])
        tag = primary_tag(config.get("language", {}).get("code") or config["espeak"]["voice"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineFailed(f"{config_path} is not a Piper voice configuration") from error
    speakers: dict[str, int] = config.get("speaker_id_map") or {}
    if len(speakers) < 2:
        yield PiperVoiceFiles(model, Voice(model.stem, model.stem, "piper", (tag,), rate, model_id=model.stem))
        return
    for name, number in speakers.items():
        voice = Voice(f"{model.stem}:{name}", f"{model.stem} {name}", "piper", (tag,), rate, model_id=model.stem)
        yield PiperVoiceFiles(model, voice, number)


class LoadedPiperVoice:
    """A Piper model in memory. Methods block and are thread-safe.

    ``vowel_clusters`` are the phonemes that the phonemizer joins into one.
    """

    def __init__(self, model: Path, threads: int) -> None:
        """Loads the network, which takes about half a second. ``threads`` 0 uses all cores. Raises EngineFailed."""
        import onnxruntime  # type: ignore[import-untyped]
        from piper import PiperVoice
        from piper.config import PhonemeType, PiperConfig

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        try:
            session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
            config = PiperConfig.from_dict(json.loads(model.with_suffix(".onnx.json").read_text()))
        except Exception as error:  # onnxruntime raises its own unrelated classes
            raise EngineFailed(f"cannot load the Piper voice {model}: {error}") from error
        self._voice: Any = PiperVoice(session=session, config=config)
        self._diacritizer: Any = None
        self.uses_espeak = config.phoneme_type == PhonemeType.ESPEAK
        self.needs_vowel_marks = config.espeak_voice == "ar"
        self.espeak_voice: str = config.espeak_voice
        self.vowel_clusters = [list(cluster) for cluster in config.vowel_clusters or ()]

    def add_vowel_marks(self, text: str) -> str:
        """Arabic ``text`` with the marks of its vowels, as Piper adds them before espeak-ng."""
        from piper.tashkeel import TashkeelDiacritizer

        self._diacritizer = self._diacritizer or TashkeelDiacritizer()
        return str(self._diacritizer(text, taskeen_threshold=self._voice.taskeen_threshold))

    def phonemize(self, text: str) -> list[Sentence]:
        """The phonemes of a voice that does without espeak-ng, such as Chinese."""
        sentences: list[Sentence] = self._voice.phonemize(text)
        return sentences

    def synthesize(
        self, sentences: list[Sentence], speed: float, speaker: int | None
    ) -> Generator[SpokenPcm, None, None]:
        """Yields PCM16 at the rate of the voice, one clause or sentence at a time. The number of phonemes tells how far
        the text is spoken."""
        from piper import SynthesisConfig

        settings = SynthesisConfig(length_scale=self._voice.config.length_scale / speed, speaker_id=speaker)
        total, spoken = sum(map(len, sentences)), 0
        for sentence in sentences:
            for phonemes in split_phonemes(sentence):
                ids = self._voice.phonemes_to_ids(phonemes)
                spoken += len(phonemes)
                yield SpokenPcm(_pcm16(self._voice.phoneme_ids_to_audio(ids, settings)), spoken / total)


def split_phonemes(sentence: list[str]) -> Iterator[list[str]]:
    """Splits phonemes into pieces of at most 160: after a clause mark, else after a space, else anywhere."""
    while len(sentence) > _MAX_PHONEMES:
        end = _split_index(sentence)
        yield sentence[:end]
        sentence = sentence[end:]
    if sentence:
        yield sentence


def _split_index(sentence: list[str]) -> int:
    window = range(_MAX_PHONEMES - 1, _MIN_PHONEMES, -1)
    clause = next((i for i in window if sentence[i] in _CLAUSE_MARKS), None)
    space = next((i for i in window if sentence[i] == " "), None)
    best = clause if clause is not None else space
    return _MAX_PHONEMES if best is None else best + 1


def without_phoneme_markup(text: str) -> str:
    """Escapes ``[[...]]``, which Piper reads as phonemes."""
    return text.replace("[[", "[ [").replace("\x00", " ")


def _pcm16(samples: Any) -> bytes:
    """Scales each piece to full range, as Piper does."""
    peak = float(np.max(np.abs(samples), initial=0.0))
    scaled = samples / peak if peak > 1e-8 else np.zeros_like(samples)
    return bytes((np.clip(scaled, -1, 1) * 32_767).astype("<i2").tobytes())
