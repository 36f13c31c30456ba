"""XTTS v2 of coqui-tts: a GPT that writes the sound of a text token by token, and a HiFi-GAN that makes it audible.

``speak`` iterates the GPT and decodes each of its latents once, see ``incremental_vocoder``. coqui's own
``inference_stream`` decodes all of them again for every piece. The model says one text at a time, because the GPT keeps
the text in itself.
"""

import hashlib
import math
import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"  # read when transformers is imported

import numpy as np
import torch
from TTS.config.shared_configs import BaseDatasetConfig
from TTS.tts.configs.xtts_config import XttsArgs, XttsAudioConfig, XttsConfig
from TTS.tts.layers.xtts.tokenizer import VoiceBpeTokenizer
from TTS.tts.models.xtts import Xtts

from deployments.contracts.errors import EngineFailed
from deployments.contracts.voice_settings import PresetParams
from deployments.engines.speech.cloned_voices import ClonedVoice, read_sample
from deployments.engines.speech.incremental_vocoder import IncrementalVocoder, Samples, receptive_field
from deployments.engines.speech.speaker_latents import SpeakerLatents
from deployments.engines.speech.torch_models import find_device, merge_weight_norms
from deployments.engines.speech.xtts_options import XttsOptions
from deployments.engines.speech.xtts_text import split_text
from deployments.gpu_memory.device_choice import DeviceChoice

_SAMPLE_RATE = 22_050
_MAX_SAMPLE_SECONDS = 30
_FADE_SECONDS = 0.005
_LONGEST_SPEECH_S = 2.0, 0.4  # for the shortest text, and for each character of it
SayProgress = Callable[[str], None]


class XttsModel:
    """A loaded model. ``xtts`` is that of coqui. The methods block and are called from one thread."""

    def __init__(self, xtts: Any, choice: DeviceChoice) -> None:
        self.xtts = xtts
        self.choice = choice
        self.device: str = choice.device
        self._generator = xtts.hifigan_decoder.waveform_decoder
        self._context = receptive_field(self._generator)
        self._hop = math.prod(layer.stride[0] for layer in self._generator.ups)
        arguments = xtts.args
        self.rate: int = arguments.output_sample_rate
        self.tokens_per_second = arguments.input_sample_rate / arguments.gpt_code_stride_len
        self._scales = (
            arguments.gpt_code_stride_len / arguments.output_hop_length,
            arguments.output_sample_rate / arguments.input_sample_rate,
        )
        self.fingerprint = _fingerprint(xtts)

    def split(self, text: str, language: str) -> list[str]:
        return split_text(
            text, language, lambda piece: self._tokens(piece, language).shape[-1], self.xtts.args.gpt_max_text_tokens
        )

    def listen(self, voice: ClonedVoice, parameters: PresetParams) -> SpeakerLatents:
        """The latents of a speaker from its samples, as coqui computes them. Raises EngineFailed."""
        recordings = [self._recording(path) for path in voice.samples]
        embeddings = [self.xtts.get_speaker_embedding(recording, _SAMPLE_RATE) for recording in recordings]
        try:
            condition = self.xtts.get_gpt_cond_latents(
                torch.cat(recordings, dim=-1), _SAMPLE_RATE, parameters.gpt_cond_len, parameters.gpt_cond_chunk_len
            )
        except RuntimeError as error:
            raise EngineFailed(f"the samples of voice {voice.id} cannot be used: {error}") from error
        return SpeakerLatents(condition, torch.stack(embeddings).mean(dim=0))

    def nobody(self) -> SpeakerLatents:
        """Latents of no speaker, for the warm-up."""
        arguments = self.xtts.args
        condition = torch.zeros(1, 32, arguments.gpt_n_model_channels)
        return SpeakerLatents(condition, torch.zeros(1, arguments.d_vector_dim, 1))

    def speak(
        self,
        text: str,
        language: str,
        speaker: SpeakerLatents,
        parameters: PresetParams,
        speed: float,
        chunk_tokens: tuple[int, int],
    ) -> Generator[Samples]:
        """Yields the sound of one piece of ``split``, and nothing (an empty array) after each token that completes no
        piece of sound, so that a caller can stop between tokens. ``chunk_tokens`` are the tokens of the first and of
        the longest piece at speed 1; each is at most twice as long as the one before.
        """
        embedding = speaker.speaker_embedding.to(self.device)
        scales = self._scales if speed == 1 else (1 / speed, *self._scales)
        vocoder = IncrementalVocoder(
            lambda frames: self._generator(frames, g=embedding), scales, self._context, self._hop
        )
        waiting: list[torch.Tensor] = []
        size, longest = (math.ceil(tokens * speed) for tokens in chunk_tokens)
        is_first = True
        for latent in self._latents(text, language, speaker, parameters):
            waiting.append(latent)
            if len(waiting) < size:
                yield _NOTHING
                continue
            samples, waiting = self._decode(vocoder, waiting, is_last=False), []
            size = min(2 * size, max(size, longest))
            yield self._fade_in(samples) if is_first else samples
            is_first = is_first and not samples.size
        samples = self._decode(vocoder, waiting, is_last=True)
        yield self._fade_out(self._fade_in(samples) if is_first else samples)

    def _decode(self, vocoder: IncrementalVocoder, latents: list[torch.Tensor], *, is_last: bool) -> Samples:
        width = self.xtts.args.gpt_n_model_channels
        with torch.inference_mode():
            known = torch.cat(latents) if latents else torch.zeros(0, width, device=self.device)
            return vocoder.feed(known, is_last=is_last)

    def _latents(
        self, text: str, language: str, speaker: SpeakerLatents, parameters: PresetParams
    ) -> Generator[torch.Tensor]:
        """One latent [1, channels] for each token. A text that never ends is cut at a length that no speaker needs."""
        gpt = self.xtts.gpt
        shortest, per_character = _LONGEST_SPEECH_S
        most = math.ceil((shortest + per_character * len(text)) * self.tokens_per_second)
        tokens = self._tokens(text, language)[None].to(self.device)
        with torch.inference_mode():
            prompt = gpt.compute_embeddings(speaker.gpt_cond_latent.to(self.device), tokens)
        generator = gpt.get_generator(
            fake_inputs=prompt,
            top_k=parameters.top_k,
            top_p=parameters.top_p,
            temperature=parameters.temperature,
            repetition_penalty=parameters.repetition_penalty,
            length_penalty=1.0,
            do_sample=True,
            num_beams=1,
            num_return_sequences=1,
            output_attentions=False,
            output_hidden_states=True,
            return_dict_in_generate=True,
        )
        for _, (_, latent) in zip(range(most), generator, strict=False):
            yield latent

    def _tokens(self, text: str, language: str) -> torch.Tensor:
        try:
            return torch.IntTensor(self.xtts.tokenizer.encode(text.strip().lower(), lang=language))
        except (ArithmeticError, LookupError, ValueError, NotImplementedError) as error:  # num2words and its kind
            raise EngineFailed(f"XTTS cannot read the text: {type(error).__name__}") from error

    def _recording(self, path: Path) -> torch.Tensor:
        import torchaudio

        samples, rate = read_sample(path)
        recording = torch.from_numpy(samples)[None, : rate * _MAX_SAMPLE_SECONDS]
        resampled: torch.Tensor = torchaudio.functional.resample(recording, rate, _SAMPLE_RATE)
        return resampled.to(self.device)

    def _fade_in(self, samples: Samples) -> Samples:
        count = min(int(_FADE_SECONDS * self.rate), samples.size)
        ramp = np.linspace(0, 1, count, dtype=np.float32)
        return np.concatenate([samples[:count] * ramp, samples[count:]])

    def _fade_out(self, samples: Samples) -> Samples:
        return self._fade_in(samples[::-1])[::-1]


_NOTHING: Samples = np.zeros(0, np.float32)
_CONFIGURATION_CLASSES = [
    BaseDatasetConfig,
    *(
        (found, f"TTS.tts.{module}.{found.__name__}")
        for found in (XttsArgs, XttsAudioConfig, XttsConfig)
        for module in ("configs.xtts_config", "models.xtts")
    ),
]
"""Data classes that a checkpoint of coqui contains beside its tensors, under their present and their former names."""


def load_xtts(options: XttsOptions, say: SayProgress) -> XttsModel:
    """Reads the checkpoint without executing code from it. Raises EngineFailed."""
    choice = find_device("xtts", options.device)
    device = choice.device
    if options.threads:
        torch.set_num_threads(options.threads)
    config = XttsConfig()
    config.load_json(str(options.model / "config.json"))
    say("building the model")
    xtts = Xtts(config)
    xtts.tokenizer = VoiceBpeTokenizer(vocab_file=str(options.model / "vocab.json"))
    xtts.init_models()
    say("reading weights")
    xtts.load_state_dict(_fitting(_read_weights(options.weights), xtts), strict=True)
    xtts.gpt.init_gpt_for_inference(kv_cache=True)
    merge_weight_norms(xtts.hifigan_decoder.waveform_decoder)
    say(f"moving to {device}")
    xtts.eval()
    return XttsModel(xtts.to(device), choice)


def _read_weights(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint of coqui (or of its trainer, whose names begin with ``xtts.``)."""
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        state: dict[str, torch.Tensor] = load_file(path)
    else:
        with torch.serialization.safe_globals(_CONFIGURATION_CLASSES):
            checkpoint = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        state = checkpoint["model"]
    return {name.removeprefix("xtts."): tensor for name, tensor in state.items()}


def _fitting(state: dict[str, torch.Tensor], xtts: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Without the tensors of training and those that a GPT prepared for inference has twice."""
    expected = xtts.state_dict().keys()
    left_out = (
        *("torch_mel_spectrogram_style_encoder.", "torch_mel_spectrogram_dvae.", "dvae."),
        *("gpt.gpt_inference.", "gpt.gpt.wte."),
    )
    return {name: tensor for name, tensor in state.items() if name in expected or not name.startswith(left_out)}


def _fingerprint(xtts: Any) -> str:
    """Identifies the weights that listen to samples."""
    digest = hashlib.sha256()
    for part in (xtts.gpt.conditioning_encoder, xtts.hifigan_decoder.speaker_encoder):
        for tensor in list(part.state_dict().values())[:4]:
            digest.update(tensor.detach().float().cpu().numpy().tobytes())
    return digest.hexdigest()
