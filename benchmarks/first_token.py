"""first-token: time to the first token, against the HTTP server of llama.cpp with the same model and messages.

Requests stream, one at a time, with their own system message. The secretary checks the key, asks the ranked FAQ match
(one hop) and streams from the process of the model (another hop).
"""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.comparison import Spread, abba_order, paired_differences
from benchmarks.report import BenchmarkResult, ResultTable
from benchmarks.server_process import (
    API_KEY,
    DEMO_GRAPH,
    ServerProcess,
    post_json,
    python_server,
    secretary_server,
    wait_until_up,
)
from benchmarks.server_process import wait_for_secretary as wait_up
from benchmarks.streaming_client import StreamingClient

_OURS, _PEER, _OWN = "secretary", "llama.cpp, same settings", "llama.cpp, its own choice"
_NEW, _REPEATED, _STRANGE = "new question, known instructions", "the same once more", "new question, new instructions"
_SYSTEM = (
    "You are a helpful assistant in the office of a small company that repairs clocks, watches and music boxes. Answer "
    "briefly and politely, in one or two sentences, and say so when you do not know something."
)
_THINGS = ("a lighthouse", "the tides", "copper", "an old map", "bees", "the moon", "paper", "salt", "glass", "rain")
_ASKS = ("What would a sailor say of {}?", "Tell a child about {}.", "Who first wrote about {}?", "Why paint {}?")


@dataclass(frozen=True, slots=True)
class TokenTiming:
    first_ms: float
    text: str
    prompt_tokens: int


TimingsByCase = dict[str, dict[str, list[TokenTiming]]]
"""case -> candidate -> one sample per pass"""


def measure(quick: bool) -> BenchmarkResult:
    count = 4 if quick else 40
    with TemporaryDirectory(prefix="secretary-bench-") as name, ExitStack() as stack:
        servers = _start(Path(name), stack)
        lines = {candidate: StreamingClient(server.port, API_KEY) for candidate, server in servers.items()}
        _ask_all(lines, 2, first=1000)
        samples = _ask_all(lines, count, first=0)
    rows = [_row(case, candidate, samples[case]) for case in samples for candidate in samples[case]]
    same = _share_of_equal_prompts(samples)
    table = ResultTable(
        "First token of a streamed answer, one at a time, SmolLM2-135M",
        ("prompt, candidate", "first token, ms (median)", "secretary adds, ms"),
        rows,
        (
            f"{count} prompts in ABBA order, each asked of all three; differences prompt by prompt, median "
            "(lowest–highest). Temperature 0, 8 tokens; all servers share all cores, the ones that wait are idle.",
            f"Prompt lengths in tokens agree between secretary and llama.cpp in {same:.0%} of the samples.",
            "'same settings': those of graph.yaml. 'its own choice': llama.cpp chooses the threads and how much of "
            "the prompt it reads at once; the secretary reads 64 tokens at once, so that a cancel takes effect soon.",
        ),
    )
    return BenchmarkResult(
        (table,), {case: {c: [s.first_ms for s in found[c]] for c in found} for case, found in samples.items()}
    )


def _start(directory: Path, stack: ExitStack) -> dict[str, ServerProcess]:
    ours = stack.enter_context(secretary_server("secretary", directory / "data", DEMO_GRAPH))
    wait_up(ours)
    servers = {_OURS: ours}
    for name, settings in ((_PEER, "same"), (_OWN, "own")):
        arguments = ["-m", "benchmarks.peers.llama", "{port}", settings]
        server = stack.enter_context(python_server(f"llama-{settings}", directory, arguments, {}))
        wait_until_up(server, lambda: post_json(server.port, "/tokenize", {"content": "a"})[0] == 200)  # noqa: B023
        servers[name] = server
    return servers


def _ask_all(lines: dict[str, StreamingClient], count: int, first: int) -> TimingsByCase:
    samples: TimingsByCase = {case: {name: [] for name in lines} for case in (_NEW, _REPEATED, _STRANGE)}
    for number, names in enumerate(abba_order(list(lines), count), first):
        for case, system in ((_NEW, _SYSTEM), (_REPEATED, _SYSTEM), (_STRANGE, f"Note {number * 7919}. {_SYSTEM}")):
            for name in names:
                samples[case][name].append(_ask(lines[name], system, _question(number)))
    return samples


def _question(number: int) -> str:
    thing, form = _THINGS[number % len(_THINGS)], _ASKS[number // len(_THINGS) % len(_ASKS)]
    return f"Letter {number}: {form.format(thing)}"


def _ask(line: StreamingClient, system: str, question: str) -> TokenTiming:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": question}]
    options = {"model": "local", "temperature": 0, "max_tokens": 8, "stream_options": {"include_usage": True}}
    spoken = line.chat({"messages": messages, **options})
    if not spoken.text:
        raise RuntimeError("an answer without text")
    return TokenTiming(spoken.first_token_s * 1000, spoken.text, spoken.prompt_tokens)


def _row(case: str, candidate: str, found: dict[str, list[TokenTiming]]) -> tuple[str, str, str]:
    times = {name: [sample.first_ms for sample in samples] for name, samples in found.items()}
    added = "" if candidate == _OURS else paired_differences(times[_OURS], times[candidate]).format(".1f")
    return f"{case}: {candidate}", Spread.of(times[candidate]).format(".1f"), added


def _share_of_equal_prompts(samples: TimingsByCase) -> float:
    pairs = [
        (ours.prompt_tokens, theirs.prompt_tokens)
        for found in samples.values()
        for ours, theirs in zip(found[_OURS], found[_PEER], strict=True)
    ]
    return sum(a == b for a, b in pairs) / len(pairs)
