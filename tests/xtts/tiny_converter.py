"""A tone colour converter of OpenVoice with random weights; ``small`` has a few channels instead of 33 million
parameters."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from TTS.vc.models.openvoice import OpenVoice

from deployments.engines.speech.openvoice_model import _configuration

_DATA = {"sampling_rate": 22_050, "filter_length": 1_024, "hop_length": 256, "win_length": 1_024, "n_speakers": 0}
_SMALL = {"inter_channels": 16, "hidden_channels": 16, "upsample_initial_channel": 32, "gin_channels": 32}
_SAYS_MORE = 1.5
"""A new flow ignores the tone colours: coqui sets the last layer of each step to zero."""


def build_converter(folder: Path, *, small: bool = True, as_pickle: bool = False) -> Path:
    """Writes config.json and model.safetensors (checkpoint.pth with ``as_pickle``). Returns ``folder``."""
    folder.mkdir(parents=True)
    model_section: dict[str, Any] = {"zero_g": True, "tau": 0.0, **(_SMALL if small else {})}
    (folder / "config.json").write_text(json.dumps({"data": _DATA, "model": model_section}))
    torch.manual_seed(0)
    model: Any = OpenVoice(_configuration(folder / "config.json"))
    with torch.no_grad():
        for name, tensor in model.flow.named_parameters():
            if ".post." in name:
                tensor.normal_(0, _SAYS_MORE)
        for name, tensor in model.dec.named_parameters():
            if name.endswith(".bias"):
                tensor.zero_()
        model.dec.conv_pre.weight *= 30
        model.ref_enc.proj.weight *= 20_000
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    if as_pickle:
        torch.save({"model": {_published(name): state[name] for name in state}}, folder / "checkpoint.pth")
    else:
        save_file(state, folder / "model.safetensors")
    return folder


def _published(name: str) -> str:
    """The name of a tensor in a checkpoint of OpenVoice, which was made with an older PyTorch."""
    for ours, theirs in (("original0", "weight_g"), ("original1", "weight_v")):
        name = name.replace(f"parametrizations.weight.{ours}", theirs)
    return name
