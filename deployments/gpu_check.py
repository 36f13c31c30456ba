"""The check of GPU memory: of a whole graph before it starts, and of one deployment in the process with the card."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from deployments import names
from deployments.arguments import Hosting, SecretaryArgs
from deployments.contracts.errors import GpuMemoryLacking
from deployments.engines.registry import EngineSpec
from deployments.gpu_memory.cards import Card, read_card
from deployments.gpu_memory.engine_need import deployment_need, engine_need
from deployments.gpu_memory.fit import check_one
from deployments.gpu_memory.loading_turn import loading_turn
from deployments.gpu_memory.memory_need import MemoryNeed
from deployments.gpu_memory.placement import GpuDeployment
from deployments.models.store import ModelStore

_VISIBLE_CARDS = "CUDA_VISIBLE_DEVICES"


def gpu_deployments(arguments: SecretaryArgs, store: ModelStore) -> tuple[GpuDeployment, ...]:
    """The deployments of the graph that ask for a GPU, with what they need. Reads headers of weights."""
    return tuple(
        GpuDeployment(find_need(name, specs, hosting, store), hosting.num_gpus, hosting.replicas)
        for name, specs, hosting in _engine_deployments(arguments)
        if hosting.num_gpus
    )


def find_need(name: str, specs: Sequence[tuple[str, EngineSpec]], hosting: Hosting, store: ModelStore) -> MemoryNeed:
    """What one replica of a deployment needs on each of its cards. ``specs`` are the engines of its process, each with
    its path in the graph."""
    needs = [engine_need(name, spec.engine, spec.options, path, store) for path, spec in specs]
    return deployment_need(needs, hosting.gpu_memory_gb)


def _engine_deployments(
    arguments: SecretaryArgs,
) -> Iterator[tuple[str, Sequence[tuple[str, EngineSpec]], Hosting]]:
    """Yields the name, the engines with their paths below the arguments, and the hosting of each deployment."""
    for number, chat in enumerate(arguments.chats):
        yield chat.name, [(f"chats.{number}", chat.spec)], chat
    for number, voice in enumerate(arguments.voices):
        yield voice.name, [(f"voices.{number}.engines.{n}", spec) for n, spec in enumerate(voice.engines)], voice
    if arguments.recognition:
        hearing = arguments.recognition
        yield names.RECOGNITION, [(f"recognition.engines.{n}", e) for n, e in enumerate(hearing.engines)], hearing


class GpuLoading:
    """Lets the engines of one replica load when no other replica is loading on the same card, and only if they fit.

    ``card_ids`` are the cards of this process; without one nothing waits and nothing is checked. A card that cannot be
    read (no nvidia-ml-py) is not checked: the engine itself then says what is lacking. ``need`` returns None for an
    engine whose need is a part of another engine's.
    """

    def __init__(
        self,
        name: str,
        card_ids: Sequence[str],
        locks: Path,
        need: Callable[[], MemoryNeed | None],
        find_card: Callable[[str], Card | None] = read_card,
    ) -> None:
        self._name = name
        self._card_ids = tuple(sorted(card_ids))
        self._locks = locks
        self._need = need
        self._find_card = find_card

    @asynccontextmanager
    async def turn(self, on_wait: Callable[[str], None]) -> AsyncGenerator[None]:
        """Held while an engine loads. ``on_wait`` gets a phrase that says what is waited for. Raises
        GpuMemoryLacking."""
        async with loading_turn(self._locks, self._card_ids, self._name, on_wait):
            if self._card_ids:
                await asyncio.to_thread(self._check)
            yield

    def _check(self) -> None:
        need = self._need()
        for card_id in self._card_ids:
            card = self._find_card(card_id)
            if card is None or need is None or need.unknown:
                continue
            problem = check_one(need, card)
            if problem is not None:
                raise GpuMemoryLacking(problem.message, remedy=problem.remedy)


def visible_cards(hosting: Hosting) -> tuple[str, ...]:
    """The cards that Ray gave to this process; none for a deployment without ``num_gpus``."""
    if not hosting.num_gpus:
        return ()
    return tuple(each.strip() for each in os.environ.get(_VISIBLE_CARDS, "").split(",") if each.strip())
