"""Puts the replicas of deployments on cards, as Ray does with their share of a GPU."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil

from deployments.gpu_memory.cards import Card
from deployments.gpu_memory.memory_need import MemoryNeed

_DIGITS = 4
"""Ray counts shares in units of 0.0001."""


@dataclass(frozen=True, slots=True)
class GpuDeployment:
    """``num_gpus`` of each of ``replicas``. A share below 1 is a part of one card, above it are whole cards."""

    need: MemoryNeed
    num_gpus: float
    replicas: int = 1


@dataclass(slots=True)
class CardLoad:
    """A card and the needs of the replicas on it."""

    card: Card
    needs: list[MemoryNeed] = field(default_factory=list)
    share: float = 1.0

    @property
    def total(self) -> int:
        return sum(need.total for need in self.needs)

    def put(self, need: MemoryNeed, share: float) -> None:
        self.needs.append(need.on_card(self.card.total))
        self.share = round(self.share - share, _DIGITS)


def place(deployments: Sequence[GpuDeployment], cards: Sequence[Card]) -> tuple[list[CardLoad], list[GpuDeployment]]:
    """The cards with what is on them, and the deployments that find no room for their share."""
    loads = [CardLoad(card) for card in cards]
    homeless = []
    for deployment in deployments:
        for _ in range(deployment.replicas):
            chosen = _choose(loads, deployment.num_gpus)
            if not chosen:
                homeless.append(deployment)
                break
            for load in chosen:
                load.put(deployment.need, min(deployment.num_gpus, 1.0))
    return loads, homeless


def _choose(loads: list[CardLoad], num_gpus: float) -> list[CardLoad]:
    """A share goes to the fullest card that has room for it."""
    if num_gpus < 1:
        roomy = (load for load in loads if load.share >= round(num_gpus, _DIGITS))
        return sorted(roomy, key=lambda load: load.share)[:1]
    free, count = [load for load in loads if load.share == 1], ceil(num_gpus)
    return free[:count] if len(free) >= count else []
