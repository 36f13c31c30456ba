"""Compares what deployments need with what the cards have, and says which setting to change to which value."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deployments.gpu_memory.cards import Card
from deployments.gpu_memory.memory_need import GIB, MIB, MemoryNeed
from deployments.gpu_memory.placement import CardLoad, GpuDeployment, place
from deployments.gpu_memory.remedies import find_remedy, kv_cache_remedy

MARGIN_BYTES = 512 * MIB
"""Left free on each card: the driver's reserve (about 300 MB of a 12 GB card), fragmentation, a growing display."""


@dataclass(frozen=True, slots=True)
class FitProblem:
    """Why the engines do not fit, and the setting that solves it."""

    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.message}; {self.remedy}"


@dataclass(frozen=True, slots=True)
class FitReport:
    """The cards with their needs. It fits when ``problems`` is empty."""

    loads: tuple[CardLoad, ...]
    problems: tuple[FitProblem, ...]


def check_fit(deployments: Sequence[GpuDeployment], cards: Sequence[Card]) -> FitReport:
    """Places ``deployments`` on ``cards`` and adds up their needs. Reads nothing."""
    loads, homeless = place(deployments, cards)
    problems = [
        *(problem for deployment in deployments for problem in _need_problems(deployment.need)),
        *(_share_problem(deployment, len(cards)) for deployment in homeless),
        *(problem for load in loads for problem in _card_problems(load)),
    ]
    return FitReport(tuple(loads), tuple(problems))


def check_one(need: MemoryNeed, card: Card) -> FitProblem | None:
    """Whether ``need`` fits into what is free on ``card`` now, besides other processes."""
    load = CardLoad(card, [need.on_card(card.total)])
    return next(iter((*_need_problems(need), *_card_problems(load))), None)


def gigabytes(size: int) -> str:
    return f"{size / GIB:.2f} GiB"


def _need_problems(need: MemoryNeed) -> Iterator[FitProblem]:
    if need.unknown:
        setting = f"{need.path.partition('.engines')[0]}.gpu_memory_gb"
        remedy = f"set {setting} to what it takes on your card"
        yield FitProblem(f"{need.deployment}: the memory of {need.engine} is not known: {need.unknown}", remedy)
    elif need.kv is not None and need.share is None and need.engine == "vllm" and need.kv_cache < need.kv.minimum:
        message = (
            f"{need.deployment}: a KV cache of {gigabytes(need.kv_cache)} is too small for one conversation of "
            f"{need.kv.minimum // need.kv.per_token} tokens ({gigabytes(need.kv.minimum)})"
        )
        yield FitProblem(message, kv_cache_remedy(need, need.kv.minimum))


def _share_problem(deployment: GpuDeployment, card_count: int) -> FitProblem:
    need = deployment.need
    replicas = f" for each of {deployment.replicas} replicas" if deployment.replicas > 1 else ""
    message = (
        f"{need.deployment} needs num_gpus {deployment.num_gpus:g}{replicas}, and {card_count} card(s) have less left"
    )
    setting = need.path.partition(".engines")[0]
    return FitProblem(message, f"lower {setting}.num_gpus or another num_gpus until they sum to at most 1 per card")


def _card_problems(load: CardLoad) -> Iterator[FitProblem]:
    if not load.needs:
        return
    lacking = load.total + MARGIN_BYTES - load.card.free
    if lacking > 0:
        names = " and ".join(dict.fromkeys(need.deployment for need in load.needs))
        message = (
            f"card {load.card.id} has {gigabytes(load.card.free)} free, {names} need {gigabytes(load.total)} "
            f"and {gigabytes(MARGIN_BYTES)} stay free: {gigabytes(lacking)} are lacking"
        )
        yield FitProblem(message, find_remedy(load.needs, load.card.free - MARGIN_BYTES))
        return
    for need in load.needs:
        if need.share is not None and need.kv is not None and need.kv_cache < need.kv.minimum:
            message = (
                f"{need.deployment}: {need.share:g} of the card leave {gigabytes(need.kv_cache)} of KV cache, "
                f"one conversation needs {gigabytes(need.kv.minimum)}"
            )
            yield FitProblem(message, find_remedy(load.needs, load.card.free - MARGIN_BYTES))
