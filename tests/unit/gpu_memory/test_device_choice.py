"""Which device XTTS and OpenVoice take on which card, and what `secretary check` says of it."""

from io import StringIO

import pytest
from rich.console import Console

from deployments.command.gpu_table import _print_device_notes
from deployments.contracts.errors import EngineFailed
from deployments.gpu_memory.cards import Card
from deployments.gpu_memory.device_choice import CardFacts, choose_device
from deployments.gpu_memory.memory_need import GIB, MemoryNeed
from deployments.gpu_memory.placement import CardLoad

RTX, GTX, OLD = CardFacts("RTX 3060", (8, 6)), CardFacts("GTX 1080", (6, 1)), CardFacts("GTX 980", (5, 2))
UNBUILT = CardFacts("GTX 1080", (6, 1), has_kernels=False)


@pytest.mark.parametrize(
    ("engine", "wanted", "card", "device", "reason"),
    [
        ("xtts", "auto", RTX, "cuda", "compute capability 8.6"),
        ("xtts", "auto", None, "cpu", "no card, where XTTS is slower than speech"),
        ("xtts", "cpu", GTX, "cpu", "options"),
        ("openvoice", "auto", RTX, "cuda", "8.6"),
        ("openvoice", "auto", GTX, "cuda", "6.1"),
        ("openvoice", "auto", OLD, "cpu", "openvoice needs 6.1"),
        ("openvoice", "auto", UNBUILT, "cpu", "no kernels for GTX 1080"),
        ("openvoice", "auto", None, "cpu", "PyTorch finds no card"),
    ],
)
def test_choice_says_why(engine: str, wanted: str, card: CardFacts | None, device: str, reason: str) -> None:
    choice = choose_device(engine, wanted, card)
    assert choice.device == device
    assert reason in choice.reason


@pytest.mark.parametrize(
    ("engine", "wanted", "card", "reason"),
    [
        ("xtts", "auto", GTX, "has compute capability 6.1, xtts needs 7.0; openvoice speaks"),
        ("xtts", "cuda", None, "finds no card"),
        ("openvoice", "cuda", OLD, "needs 6.1"),
    ],
)
def test_engine_that_suits_no_card_is_refused(engine: str, wanted: str, card: CardFacts | None, reason: str) -> None:
    with pytest.raises(EngineFailed, match=reason):
        choose_device(engine, wanted, card)


def test_check_says_what_the_card_means_for_the_engines() -> None:
    for capability, expected in (
        ((6, 1), ("xtts needs 7.0: it is not used there", "openvoice may use it: compute capability 6.1")),
        (None, ("xtts needs compute capability 7.0 or newer", "openvoice needs compute capability 6.1")),
    ):
        card = Card("0", "GTX 1080", 8 * GIB, 8 * GIB, capability)
        output = StringIO()
        load = CardLoad(card, [MemoryNeed("voice", "xtts, openvoice, piper", "voices.0")])
        _print_device_notes(load, Console(file=output, width=200))
        assert [line for line in expected if line not in output.getvalue()] == []
