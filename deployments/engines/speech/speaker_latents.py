"""What XTTS and OpenVoice know of a speaker, computed from samples and kept as safetensors in the folder of the voice.

The files lie in ``.latents`` of that folder, so that deleting a voice deletes them. Their name is the hash of all that
determines them: the samples, the model, and the seconds that are listened to.
"""

import hashlib
import logging
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployments.contracts.voice_settings import PresetParams
from deployments.engines.speech.cloned_voices import ClonedVoice

_FOLDER = ".latents"
_KEPT = 16
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SpeakerLatents:
    """Tensors: ``gpt_cond_latent`` conditions the GPT, ``speaker_embedding`` the vocoder."""

    gpt_cond_latent: Any
    speaker_embedding: Any


def latents_key(voice: ClonedVoice, model: str, parameters: PresetParams) -> str:
    """``model`` identifies the weights."""
    parts = (voice.digest, model, str(parameters.gpt_cond_len), str(parameters.gpt_cond_chunk_len))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def read_latents(voice: ClonedVoice, key: str) -> SpeakerLatents | None:
    """None when they are not stored, or the file is damaged."""
    tensors = read_tensors(voice, key, ("gpt_cond_latent", "speaker_embedding"))
    return None if tensors is None else SpeakerLatents(tensors["gpt_cond_latent"], tensors["speaker_embedding"])


def store_latents(voice: ClonedVoice, key: str, latents: SpeakerLatents) -> None:
    tensors = {"gpt_cond_latent": latents.gpt_cond_latent, "speaker_embedding": latents.speaker_embedding}
    store_tensors(voice, key, tensors)


def read_tensors(voice: ClonedVoice, key: str, names: tuple[str, ...]) -> dict[str, Any] | None:
    """The tensors ``names`` of a file of the voice. None when it does not exist or is damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = _path(voice, key)
    try:
        tensors = load_file(path)
        return {name: tensors[name] for name in names}
    except FileNotFoundError:
        return None
    except (OSError, SafetensorError, KeyError) as error:
        log.warning("%s is damaged (%s) and is made again", path, type(error).__name__)
        return None


def store_tensors(voice: ClonedVoice, key: str, tensors: dict[str, Any]) -> None:
    """Writes the file at once or not at all, and keeps the newest sixteen. A read-only folder stays as it is."""
    from safetensors.torch import save

    path = _path(voice, key)
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            file.write(save({name: tensor.contiguous().cpu() for name, tensor in tensors.items()}))
            file.flush()
            os.fsync(file.fileno())
        os.replace(file.name, path)
        _forget_oldest(path.parent)
    except OSError as error:
        log.warning("the latents of voice %s cannot be stored: %s", voice.id, error)


def _path(voice: ClonedVoice, key: str) -> Path:
    return voice.folder / _FOLDER / f"{key}.safetensors"


def _forget_oldest(folder: Path) -> None:
    files = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in files[_KEPT:]:
        path.unlink(missing_ok=True)
