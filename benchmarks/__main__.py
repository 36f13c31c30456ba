"""``python -m benchmarks NAME``: measures, prints a table, saves the numbers with facts about the machine."""

import argparse
import importlib
import signal
import sys

from rich.console import Console

from benchmarks import results_page as page
from benchmarks.machine import QUIET_LOAD_PER_CORE, MachineFacts, read_machine_facts
from benchmarks.report import print_result, save_result

BENCHMARKS = {
    "gateway": "an FAQ answer through the whole path, against the LiteLLM proxy with a mocked answer",
    "price-of-serve": "the same application under plain uvicorn and on Ray Serve in both modes",
    "first-token": "time to the first token, against llama.cpp's own HTTP server",
    "first-audio": "time to the first audio, against raw Piper",
    "hearing": "processor time of Vosk and Whisper, against the bare libraries; needs the model vosk-ko",
    "import-time": "processor time of the imports of one process, by garbage collector threshold",
    "idle": "time to start, and memory and processor time of a secretary that waits",
    "office-changes": "time from a change in the office to the slowest replica, and changes per second against sqlite3",
    "cloud": "streaming through the cloud engine to a mock provider, against the LiteLLM proxy",
    "proxies": "what a tunnel adds to the first token, failover from a dead link, memory of ten links; needs v2ray",
    "gpu": "vLLM bare and through the graph; needs an environment with vLLM, so `all` leaves it out",
    "xtts": "early and late pieces of XTTS's sound, against coqui's own stream; needs an environment with coqui-tts",
    "openvoice": "OpenVoice beside Piper alone: first audio, work, memory; needs coqui-tts and piper-tts",
    "faq": "exact and ranked match among ten thousand FAQ entries",
    "answers": "which stage finds the right FAQ entry for labelled questions, and the cost of a match by meaning",
    "spoken-text": "labelled texts that are read rightly, against the bare normalisation libraries",
    "key-check": "the share of a door's requests per second that the check of the API key costs",
    "phone-lines": "lateness of the 20 ms frames with 1, 10 and 25 phone lines",
    "ready-answers": "time from a match to the first sound of a ready FAQ answer, and how many lines play them at once",
    "speech-order": "silences on lines that share one slow voice: first come, first served, and by deadline",
    "speech-slope": "memory, threads and files over 1,000 sentences with dying engines and 200 phone sessions",
    "panel": "first load, click to paint, and what twenty open tabs cost the office; needs chromium",
    "killed": "failed requests and time to recovery when each process is killed under load, one and two gateways",
    "office": "the list of conversations with 100,000 of them stored, against the number of messages",
    "hostile": "what the worst attack of each class costs others: delay, memory, work without its sender",
}
_ONLY_BY_NAME = {"gpu", "xtts", "openvoice"}
_NOT_QUIET = 3

console = Console(width=140)


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # also ends the measured processes
    arguments = _arguments()
    if arguments.name == "list":
        for name, what in BENCHMARKS.items():
            console.print(f"{name:<16}{what}", highlight=False)
        return 0
    if arguments.name == "page":
        page.write_page(BENCHMARKS)
        return 0
    machine = read_machine_facts()
    if not _quiet_enough(machine, arguments.anyway or arguments.quick):
        return _NOT_QUIET
    names = [n for n in BENCHMARKS if n not in _ONLY_BY_NAME] if arguments.name == "all" else [arguments.name]
    for number, name in enumerate(names):
        _run(name, read_machine_facts() if number else machine, arguments.quick)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "name", choices=[*BENCHMARKS, "all", "list", "page"], help="page: results into docs/performance.md"
    )
    parser.add_argument("--quick", action="store_true", help="a minute to see that it works; the numbers mean little")
    parser.add_argument("--anyway", action="store_true", help="measure also while the machine is busy")
    return parser.parse_args()


def _quiet_enough(machine: MachineFacts, anyway: bool) -> bool:
    console.print(machine.summary, highlight=False)
    if machine.quiet:
        return True
    limit = f"more than {QUIET_LOAD_PER_CORE} per core"
    console.print(f"[yellow]The load average is {limit}: results would include the work of other programs.[/yellow]")
    if not anyway:
        console.print("Wait until the machine is quiet, or add --anyway.")
    return anyway


def _run(name: str, machine: MachineFacts, quick: bool) -> None:
    console.print(f"\n[bold]{name}[/bold]: {BENCHMARKS[name]}", highlight=False)
    module = importlib.import_module(f"benchmarks.{name.replace('-', '_')}")
    result = module.measure(quick)
    print_result(result, machine, console)
    command = f"python -m benchmarks {name}{' --quick' if quick else ''}"
    saved = save_result(f"{name}-quick" if quick else name, command, result, machine)
    console.print(f"  saved in {saved}", highlight=False)


if __name__ == "__main__":
    sys.exit(main())
