"""Which device an engine of cloned voices takes, and why."""

from dataclasses import dataclass
from typing import Literal

from deployments.contracts.errors import EngineFailed

Capability = tuple[int, int]
NEEDED_CAPABILITY: dict[str, Capability] = {"xtts": (7, 0), "openvoice": (6, 1)}
"""The oldest compute capability on which an engine is used. XTTS is slower than speech on older cards."""


@dataclass(frozen=True, slots=True)
class CardFacts:
    """``has_kernels``: the installed PyTorch was compiled for this card."""

    name: str
    capability: Capability
    has_kernels: bool = True


@dataclass(frozen=True, slots=True)
class DeviceChoice:
    device: Literal["cpu", "cuda"]
    reason: str


def choose_device(engine: str, wanted: str, card: CardFacts | None) -> DeviceChoice:
    """``wanted`` is auto, cpu or cuda. On a card that is too old ``auto`` refuses XTTS, so that the next engine of the
    graph speaks, and takes the CPU for OpenVoice. Raises EngineFailed."""
    if wanted == "cpu":
        return DeviceChoice("cpu", "the options of the graph say so")
    if card is None:
        if wanted == "cuda":
            raise EngineFailed(f"{engine} has device: cuda, but PyTorch finds no card; see `secretary check --card`")
        return DeviceChoice("cpu", "PyTorch finds no card" + _slow(engine))
    unfit = unfit_reason(engine, card)
    if unfit is None:
        return DeviceChoice("cuda", f"{card.name} has compute capability {version(card.capability)}")
    if wanted == "cuda" or engine == "xtts":
        advice = "; openvoice speaks in cloned voices there" if engine == "xtts" else ""
        raise EngineFailed(unfit + advice, remedy="set device: cpu, or leave the engine out of graph.yaml")
    return DeviceChoice("cpu", unfit)


def unfit_reason(engine: str, card: CardFacts) -> str | None:
    """Why ``engine`` is not used on ``card``; None when it is."""
    needed = NEEDED_CAPABILITY.get(engine)
    if needed is not None and card.capability < needed:
        return f"{card.name} has compute capability {version(card.capability)}, {engine} needs {version(needed)}"
    if not card.has_kernels:
        return f"the installed PyTorch has no kernels for {card.name} ({version(card.capability)})"
    return None


def device_note(engine: str, name: str, capability: Capability | None) -> str | None:
    """What a card means for ``engine``, for ``secretary check``; None for an engine that asks for nothing."""
    needed = NEEDED_CAPABILITY.get(engine)
    if needed is None:
        return None
    if capability is None:
        return f"on a card, {engine} needs compute capability {version(needed)} or newer"
    unfit = unfit_reason(engine, CardFacts(name, capability))
    if unfit is None:
        return f"{engine} may use it: compute capability {version(capability)}, {version(needed)} is needed"
    return f"{unfit}: it is not used there" if engine == "xtts" else f"{unfit}: it runs on the CPU"


def version(capability: Capability) -> str:
    return f"{capability[0]}.{capability[1]}"


def _slow(engine: str) -> str:
    return ", where XTTS is slower than speech" if engine == "xtts" else ""
