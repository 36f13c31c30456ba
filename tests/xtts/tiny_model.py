"""A tiny XTTS with random weights, and recordings for it. Its vocoder has the size of the real one.

It never says the end of a text: a text lasts as long as the model may speak, 27 tokens (1.25 s) at speed 1.
"""

import json
import string
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models
from TTS.tts.configs.xtts_config import XttsArgs, XttsConfig
from TTS.tts.layers.xtts.tokenizer import VoiceBpeTokenizer
from TTS.tts.models.xtts import Xtts
from TTS.vocoder.models.hifigan_generator import HifiganGenerator

from deployments.engines.speech.xtts_model import XttsModel, load_xtts
from deployments.engines.speech.xtts_options import XttsOptions
from deployments.engines.speech.xtts_text import CHARACTER_LIMITS

MAX_TOKENS = 27
_KEPT_TOKENS = 3
"""Positions that the model keeps for itself."""
_WIDTH = 64
_LETTERS = string.ascii_lowercase + "абвгдеёжзийклмнопрстуфхцчшщъыьэюя" + string.digits + ",.!?-'"
_SPECIAL = ("[STOP]", "[UNK]", "[SPACE]", "[START]", "[zh-cn]", *(f"[{tag}]" for tag in CHARACTER_LIMITS))


def build_model(folder: Path, *, as_pickle: bool = False, max_tokens: int = MAX_TOKENS) -> Path:
    """Writes config.json, vocab.json and model.safetensors (model.pth with ``as_pickle``). Returns ``folder``."""
    folder.mkdir(parents=True)
    _write_vocabulary(folder / "vocab.json")
    torch.manual_seed(0)
    config = _config(max_tokens)
    model = Xtts(config)
    model.tokenizer = VoiceBpeTokenizer(vocab_file=str(folder / "vocab.json"))
    model.init_models()
    config.save_json(str(folder / "config.json"))
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    if as_pickle:
        torch.save({"config": config, "model": state}, folder / "model.pth")
    else:
        save_file(state, folder / "model.safetensors")
    return folder


def load_small(options: XttsOptions, say: Callable[[str], None]) -> XttsModel:
    """The model with a small vocoder, for tests that need no real one."""
    loaded = load_xtts(options, say)
    xtts = loaded.xtts
    xtts.hifigan_decoder.waveform_decoder = small_generator(_WIDTH, cond_channels=512, cond_in_each_up_layer=True)
    return XttsModel(xtts, loaded.choice)


def small_generator(channels: int, **options: object) -> HifiganGenerator:
    """A vocoder with the layers of the real one, a sixteenth of its channels, and the loudness of speech."""
    torch.manual_seed(1)
    dilations = [[1, 3, 5]] * 3
    generator = HifiganGenerator(
        channels, 1, "1", dilations, [3, 7, 11], [16, 16, 4, 4], 32, [8, 8, 2, 2], inference_padding=0, **options
    )
    with torch.no_grad():
        generator.conv_post.parametrizations.weight.original0 *= 30
    return generator.eval()


def _config(max_tokens: int) -> XttsConfig:
    return XttsConfig(
        model_args=XttsArgs(
            gpt_layers=2,
            gpt_n_model_channels=_WIDTH,
            gpt_n_heads=2,
            gpt_max_audio_tokens=max_tokens + _KEPT_TOKENS,
            decoder_input_dim=_WIDTH,
            gpt_use_perceiver_resampler=True,
        )
    )


def write_voice(folder: Path, seconds: float = 6.0, rate: int = 22_050, pitch: float = 140, **facts: object) -> Path:
    """Writes a recording, two when it is longer than 5 seconds, and voice.json if there are ``facts``."""
    folder.mkdir(parents=True)
    for number in range(1 if seconds <= 5 else 2):
        time = np.arange(int(seconds / 2 * rate)) / rate
        sound = sum(np.sin(2 * np.pi * pitch * n * time) / n for n in range(1, 8)) * (1 + np.sin(8 * time)) / 8
        with wave.open(str(folder / f"sample-{number}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes((sound * 20_000).astype("<i2").tobytes())
    if facts:
        (folder / "voice.json").write_text(json.dumps({"id": folder.name, "consent_id": None, **facts}))
    return folder


def _write_vocabulary(path: Path) -> None:
    tokens = [*_SPECIAL, *dict.fromkeys(_LETTERS)]
    tokenizer = Tokenizer(models.BPE(vocab={token: n for n, token in enumerate(tokens)}, merges=[], unk_token="[UNK]"))
    tokenizer.add_special_tokens(list(_SPECIAL))
    tokenizer.save(str(path))
