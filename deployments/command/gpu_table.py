"""The check of GPU memory at the terminal: a table of what each engine needs and what each card has."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from deployments.arguments import SecretaryArgs
from deployments.gpu_check import gpu_deployments
from deployments.gpu_memory.cards import Card, parse_card, read_cards
from deployments.gpu_memory.device_choice import device_note
from deployments.gpu_memory.fit import MARGIN_BYTES, FitReport, check_fit
from deployments.gpu_memory.memory_need import GIB, MemoryNeed
from deployments.gpu_memory.placement import CardLoad
from deployments.models.store import ModelStore
from deployments.switched_models import SwitchedModel, with_switched_models

_COLUMNS = ("weights", "KV cache", "activations", "LoRA", "CUDA", "total")


def parse_cards(sizes: Sequence[str]) -> tuple[Card, ...]:
    """Raises InvalidRequest."""
    return tuple(parse_card(size, index) for index, size in enumerate(sizes))


def print_switched_models(switched: Sequence[SwitchedModel], console: Console) -> None:
    """Names the models that are loaded instead of those of the graph, and those that cannot be."""
    for each in switched:
        text = f"{each.deployment} was switched to {each.model}, which it loads instead of the model of the graph"
        if each.problem:
            text = (
                f"{each.deployment} was switched to {each.model} and starts with the model of the graph: {each.problem}"
            )
        console.print(f"model    {text}", highlight=False, markup=False, soft_wrap=True)


def check_gpus(
    arguments: SecretaryArgs,
    store: ModelStore,
    console: Console,
    cards: Sequence[Card] | None = None,
    *,
    running: bool = False,
) -> bool:
    """Prints the table and the problems; returns whether everything fits. Prints nothing without GPU engines.

    ``cards`` None: those of this machine; without any, the needs are printed and nothing is compared. While the
    secretary runs, its own engines occupy the cards, so their whole memory counts as free.
    """
    deployments = gpu_deployments(arguments, store)
    if not deployments:
        return True
    if cards is None:
        cards = [replace(card, free=card.total if running else card.free) for card in read_cards()]
    if not cards:
        _print_needs([deployment.need for deployment in deployments], console)
        console.print(
            "gpu      no card can be read on this machine (extra gpu: nvidia-ml-py); "
            "compare with --card, such as: secretary check --card 12GB",
            highlight=False,
            soft_wrap=True,
        )
        return True
    report = check_fit(deployments, cards)
    _print_report(report, console)
    return not report.problems


def check_gpus_before_start(of_graph: SecretaryArgs, run_dir: Path, store: ModelStore, console: Console) -> bool:
    """``check_gpus`` with the models to which deployments were switched. Those that do not fit give way to the models
    of the graph."""
    arguments, switched = with_switched_models(of_graph, run_dir, store)
    print_switched_models(switched, console)
    if check_gpus(arguments, store, console):
        return True
    if arguments == of_graph:
        return False
    console.print("gpu      with the models of the graph:", highlight=False)
    return check_gpus(of_graph, store, console)


def _print_report(report: FitReport, console: Console) -> None:
    for load in report.loads:
        if load.needs:
            console.print(_card_table(load))
            _print_sources(load.needs, console)
            _print_device_notes(load, console)
    for problem in report.problems:
        console.print(f"gpu      {problem}", highlight=False, markup=False, soft_wrap=True)
    if not report.problems:
        console.print("gpu      it fits", highlight=False)


def _print_device_notes(load: CardLoad, console: Console) -> None:
    for engine in dict.fromkeys(name for need in load.needs for name in need.engine.split(", ")):
        if note := device_note(engine, load.card.name, load.card.capability):
            console.print(f"gpu      card {load.card.id}: {note}", highlight=False, markup=False, soft_wrap=True)


def _print_needs(needs: Sequence[MemoryNeed], console: Console) -> None:
    table = _table("GPU memory, GiB")
    for need in needs:
        _add_need(table, need)
    console.print(table)
    _print_sources(needs, console)


def _card_table(load: CardLoad) -> Table:
    card = load.card
    table = _table(f"card {card.id} ({card.name}), GiB")
    for need in load.needs:
        _add_need(table, need)
    table.add_section()
    for name, size in (
        ("all engines", load.total),
        ("margin", MARGIN_BYTES),
        ("free on the card", card.free),
        ("left", card.free - load.total - MARGIN_BYTES),
    ):
        table.add_row(name, *[""] * len(_COLUMNS[1:]), _number(size))
    return table


def _table(title: str) -> Table:
    table = Table("engine", title=title, title_justify="left")
    for column in _COLUMNS:
        table.add_column(column, justify="right")
    return table


def _add_need(table: Table, need: MemoryNeed) -> None:
    parts = need.weights, need.kv_cache, need.activations, need.adapters, need.context, need.total
    share = need.share is not None and not need.kv_cache
    cells = [
        f"{need.share:g} of card" if share and column == "KV cache" else _number(part)
        for column, part in zip(_COLUMNS, parts, strict=True)
    ]
    table.add_row(f"{need.deployment}: {need.engine}", *cells)


def _print_sources(needs: Sequence[MemoryNeed], console: Console) -> None:
    for need in needs:
        if need.source:
            text = f"         {need.deployment}: weights from {need.source}"
            console.print(text, highlight=False, markup=False, soft_wrap=True)


def _number(size: int) -> str:
    return f"{size / GIB:.2f}" if size else "-"
