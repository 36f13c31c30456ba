"""The GPUs of this machine with their free memory, read with NVML (nvidia-ml-py), or a card that a user describes."""

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from deployments.contracts.errors import InvalidRequest
from deployments.gpu_memory.device_choice import Capability
from deployments.gpu_memory.memory_need import GIB

_SIZE = re.compile(r"([0-9]{1,4}(?:\.[0-9]{1,3})?)\s*(?:GB|GiB|G)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Card:
    """A GPU. ``id`` is its index or UUID, as in CUDA_VISIBLE_DEVICES. ``capability`` None: not known."""

    id: str
    name: str
    total: int
    free: int
    capability: Capability | None = None


def import_nvml() -> Any:
    """Imports pynvml. Raises ImportError if the extra ``gpu`` is not installed."""
    return importlib.import_module("pynvml")


def parse_card(text: str, index: int = 0) -> Card:
    """An empty card of the size ``text``: 12GB, 24 or 7.5G. Cards are sold in GiB under the name GB.

    Raises InvalidRequest.
    """
    found = _SIZE.fullmatch(text.strip())
    size = int(float(found[1]) * GIB) if found else 0
    if size <= 0:
        raise InvalidRequest(f"{text[:40]!r} is no size of a card; write for example 12GB", param="card")
    return Card(str(index), f"a card of {text.strip()}", size, size)


def read_cards(load_nvml: Callable[[], Any] = import_nvml) -> tuple[Card, ...]:
    """All cards of this machine. Empty when there is none, or when they cannot be read."""
    try:
        nvml = load_nvml()
        nvml.nvmlInit()
    except Exception:  # no package, no driver, no card: NVML's errors have no common importable base
        return ()
    try:
        return tuple(
            _card(nvml, nvml.nvmlDeviceGetHandleByIndex(index), str(index))
            for index in range(nvml.nvmlDeviceGetCount())
        )
    except Exception:  # as above
        return ()
    finally:
        nvml.nvmlShutdown()


def read_card(card_id: str, load_nvml: Callable[[], Any] = import_nvml) -> Card | None:
    """The card with this index or UUID; None when it cannot be read."""
    try:
        nvml = load_nvml()
        nvml.nvmlInit()
    except Exception:  # as in ``read_cards``
        return None
    try:
        if card_id.isdigit():
            handle = nvml.nvmlDeviceGetHandleByIndex(int(card_id))
        else:
            handle = nvml.nvmlDeviceGetHandleByUUID(card_id)
        return _card(nvml, handle, card_id)
    except Exception:  # as in ``read_cards``
        return None
    finally:
        nvml.nvmlShutdown()


def _card(nvml: Any, handle: Any, card_id: str) -> Card:
    memory, name = nvml.nvmlDeviceGetMemoryInfo(handle), nvml.nvmlDeviceGetName(handle)
    name = name.decode() if isinstance(name, bytes) else name
    return Card(card_id, name, memory.total, memory.free, _capability(nvml, handle))


def _capability(nvml: Any, handle: Any) -> Capability | None:
    try:
        major, minor = nvml.nvmlDeviceGetCudaComputeCapability(handle)
    except Exception:  # an old driver; NVML's errors have no common importable base
        return None
    return int(major), int(minor)
