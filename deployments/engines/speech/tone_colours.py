"""Tone colours that OpenVoice has heard: of base voices in memory, of cloned voices also in the folder of the voice."""

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import soxr

from deployments.engines.speech.cloned_voices import ClonedVoice, read_sample
from deployments.engines.speech.quiet_cuts import Samples
from deployments.engines.speech.speaker_latents import read_tensors, store_tensors

if TYPE_CHECKING:
    from deployments.engines.speech.openvoice_model import ToneColourModel

_MOST = 256
_NAME = "tone_colour"


class ToneColours:
    """Tensors by voice, of which the oldest are forgotten. ``hear_base`` and ``learn`` are called on the thread of the
    model."""

    def __init__(self, model: "ToneColourModel") -> None:
        self._model = model
        self._known: dict[str, Any] = {}

    def base(self, voice_id: str) -> Any | None:
        return self._known.get(voice_id)

    def hear_base(self, voice_id: str, sample: Samples) -> Any:
        return self._remember(voice_id, self._model.listen([sample]))

    def target(self, cloned: ClonedVoice) -> Any | None:
        return self._known.get(self._key(cloned))

    def learn(self, cloned: ClonedVoice) -> Any:
        """From the file of the voice, else from its samples. Raises EngineFailed."""
        key = self._key(cloned)
        stored = read_tensors(cloned, key, (_NAME,))
        if stored is None:
            stored = {_NAME: self._model.listen([self._recording(*read_sample(path)) for path in cloned.samples])}
            store_tensors(cloned, key, stored)
        return self._remember(key, stored[_NAME])

    def _key(self, cloned: ClonedVoice) -> str:
        return hashlib.sha256(f"openvoice\n{cloned.digest}\n{self._model.fingerprint}".encode()).hexdigest()

    def _remember(self, key: str, colour: Any) -> Any:
        while len(self._known) >= _MOST:
            self._known.pop(next(iter(self._known)))
        self._known[key] = colour
        return colour

    def _recording(self, samples: Samples, rate: int) -> Samples:
        found: Samples = soxr.resample(samples, rate, self._model.rate).astype(np.float32)
        return found
