"""The tone colour converter of OpenVoice v2, as coqui-tts has it. Imports PyTorch.

A flow takes the tone colour of the base voice out of a sound and puts that of the cloned voice in. Words, rhythm and
intonation stay those of the base voice, so the sound keeps its length.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from TTS.utils.audio.torch_transforms import wav_to_spec
from TTS.vc.configs.openvoice_config import OpenVoiceConfig
from TTS.vc.models.openvoice import OpenVoice

from deployments.contracts.errors import EngineFailed
from deployments.engines.speech.openvoice_options import OpenVoiceOptions
from deployments.engines.speech.torch_models import find_device, merge_weight_norms
from deployments.gpu_memory.device_choice import DeviceChoice

Samples = npt.NDArray[np.float32]
SayProgress = Callable[[str], None]
_LONGEST_RECORDING_S = 30
_AUDIO_FIELDS = {"fft_size": "filter_length", "hop_length": "hop_length", "win_length": "win_length"}


class ConversionCancelled(Exception):
    """The reader has gone."""


class ToneColourModel:
    """A loaded converter. The methods block and are called from one thread. Sound is float32 at ``rate``."""

    def __init__(self, openvoice: Any, choice: DeviceChoice) -> None:
        self.openvoice = openvoice
        self.choice = choice
        self._audio = openvoice.config.audio
        self.rate: int = self._audio.input_sample_rate
        self.fingerprint = _fingerprint(openvoice)
        self._is_cancelled: Callable[[], bool] = lambda: False
        for part in openvoice.modules():
            if isinstance(part, (torch.nn.Conv1d, torch.nn.ConvTranspose1d)):
                part.register_forward_pre_hook(self._check_cancelled)

    def listen(self, recordings: Sequence[Samples]) -> torch.Tensor:
        """The tone colour [1, channels, 1] of a speaker: the mean of its recordings, as coqui computes it."""
        longest = _LONGEST_RECORDING_S * self.rate
        with torch.inference_mode():
            found = [
                self.openvoice.extract_se(torch.from_numpy(self._padded(recording[:longest])))[0]
                for recording in recordings
            ]
            colour: torch.Tensor = torch.stack(found).mean(dim=0).cpu()
        return colour

    def nobody(self) -> torch.Tensor:
        """The tone colour of no speaker, for the warm-up."""
        return torch.zeros(1, self.openvoice.gin_channels, 1)

    def convert(
        self, samples: Samples, source: torch.Tensor, target: torch.Tensor, is_cancelled: Callable[[], bool]
    ) -> Samples:
        """``samples`` in another tone colour, of the same length. Raises ConversionCancelled between two layers."""
        device = self.choice.device
        self._is_cancelled = is_cancelled
        try:
            with torch.inference_mode():
                sound = torch.from_numpy(self._padded(samples))[None, None].to(device)
                spectrum = wav_to_spec(
                    sound, self._audio.fft_size, self._audio.hop_length, self._audio.win_length, center=False
                )
                speakers = {"x_lengths": None, "g_src": source.to(device), "g_tgt": target.to(device)}
                converted = self.openvoice.inference(spectrum, speakers)["model_outputs"]
            found: Samples = converted[0, 0].float().cpu().numpy()[: samples.size]
            return found
        finally:
            self._is_cancelled = lambda: False

    def _padded(self, samples: Samples) -> Samples:
        """Silence fills the last frame, and what the first window needs."""
        hop = self._audio.hop_length
        size = max(-(-samples.size // hop) * hop, self._audio.fft_size)
        return np.pad(samples, (0, size - samples.size)).astype(np.float32)

    def _check_cancelled(self, *_: object) -> None:
        if self._is_cancelled():
            raise ConversionCancelled


def load_openvoice(options: OpenVoiceOptions, say: SayProgress) -> ToneColourModel:
    """Reads the checkpoint without executing code from it. Raises EngineFailed."""
    choice = find_device("openvoice", options.device)
    if options.threads:
        torch.set_num_threads(options.threads)
    say("building the model")
    openvoice: Any = OpenVoice(_configuration(options.model / "config.json"))
    say("reading weights")
    openvoice.load_state_dict(_read_weights(options.weights), strict=True)
    merge_weight_norms(openvoice)
    say(f"moving to {choice.device}")
    openvoice.eval()
    return ToneColourModel(openvoice.to(choice.device), choice)


def _configuration(path: Path) -> OpenVoiceConfig:
    """OpenVoice's own config.json in the form of coqui. Raises EngineFailed."""
    config = OpenVoiceConfig()
    try:
        found = json.loads(path.read_text())
        data, model = found["data"], found.get("model", {})
        config.audio.input_sample_rate = config.audio.output_sample_rate = int(data["sampling_rate"])
        for ours, theirs in _AUDIO_FIELDS.items():
            config.audio[ours] = int(data[theirs])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineFailed(f"{path} is no configuration of OpenVoice: {type(error).__name__}") from error
    for name, value in model.items():
        if name in config.model_args:
            config.model_args[name] = value
    return config


def _read_weights(path: Path) -> dict[str, torch.Tensor]:
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        state: dict[str, torch.Tensor] = load_file(path)
        return state
    checkpoint = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    return dict(checkpoint["model"])


def _fingerprint(openvoice: Any) -> str:
    """Identifies the weights that listen to recordings."""
    digest = hashlib.sha256()
    for tensor in list(openvoice.ref_enc.state_dict().values())[:4]:
        digest.update(tensor.detach().float().cpu().numpy().tobytes())
    return digest.hexdigest()
