"""first-token: what the secretary adds to the time until llama.cpp's own HTTP server gives its first token.

The same model file, settings and messages (the request carries its own system message, so no persona is added),
streaming, one at a time. The secretary's way includes the key check, the ranked search in the prepared answers
(one hop) and the streamed call to the model's process (another hop).
"""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.pairs import Spread, differences, passes
from benchmarks.report import Result, Table
from benchmarks.started import API_KEY, DEMO_GRAPH, Server, ask, python_server, secretary, wait
from benchmarks.started import wait_for_secretary as wait_up
from benchmarks.streamed import Client

_OURS, _PEER, _OWN = "secretary", "llama.cpp, same settings", "llama.cpp, its own choice"
_NEW, _REPEATED, _STRANGE = "new question, known instructions", "the same once more", "new question, new instructions"
_SYSTEM = (
    "You are a helpful assistant in the office of a small company that repairs clocks, watches and music boxes. Answer "
    "briefly and politely, in one or two sentences, and say so when you do not know something."
)
_THINGS = ("a lighthouse", "the tides", "copper", "an old map", "bees", "the moon", "paper", "salt", "glass", "rain")
_ASKS = ("What would a sailor say of {}?", "Tell a child about {}.", "Who first wrote about {}?", "Why paint {}?")


@dataclass(frozen=True, slots=True)
class Sample:
    first_ms: float
    text: str
    prompt_tokens: int


Samples = dict[str, dict[str, list[Sample]]]
"""case -> candidate -> one sample per pass"""


def measure(quick: bool) -> Result:
    count = 4 if quick else 40
    with TemporaryDirectory(prefix="secretary-bench-") as name, ExitStack() as stack:
        servers = _start(Path(name), stack)
        lines = {candidate: Client(server.port, API_KEY) for candidate, server in servers.items()}
        _ask_all(lines, 2, first=1000)
        samples = _ask_all(lines, count, first=0)
    rows = [_row(case, candidate, samples[case]) for case in samples for candidate in samples[case]]
    same = _share_of_equal_prompts(samples)
    table = Table(
        "First token of a streamed answer, one at a time, SmolLM2-135M",
        ("prompt, candidate", "first token, ms (median)", "secretary adds, ms"),
        rows,
        (
            f"{count} prompts in ABBA order, each asked of all three; differences prompt by prompt, median "
            "(lowest–highest). Temperature 0, 8 tokens; all servers share all cores, the ones that wait are idle.",
            f"Prompt lengths in tokens agree between secretary and llama.cpp in {same:.0%} of the samples.",
            "'same settings': those of graph.yaml. 'its own choice': llama.cpp decides on threads and on how much of "
            "the prompt it reads at once; the secretary reads 64 tokens at once, so that a cancel takes effect soon.",
        ),
    )
    return Result(
        (table,), {case: {c: [s.first_ms for s in found[c]] for c in found} for case, found in samples.items()}
    )


def _start(directory: Path, stack: ExitStack) -> dict[str, Server]:
    ours = stack.enter_context(secretary("secretary", directory / "data", DEMO_GRAPH))
    wait_up(ours)
    servers = {_OURS: ours}
    for name, settings in ((_PEER, "same"), (_OWN, "own")):
        arguments = ["-m", "benchmarks.peers.llama", "{port}", settings]
        server = stack.enter_context(python_server(f"llama-{settings}", directory, arguments, {}))
        wait(server, lambda: ask(server.port, "/tokenize", {"content": "a"})[0] == 200)  # noqa: B023
        servers[name] = server
    return servers


def _ask_all(lines: dict[str, Client], count: int, first: int) -> Samples:
    samples: Samples = {case: {name: [] for name in lines} for case in (_NEW, _REPEATED, _STRANGE)}
    for number, names in enumerate(passes(list(lines), count), first):
        for case, system in ((_NEW, _SYSTEM), (_REPEATED, _SYSTEM), (_STRANGE, f"Note {number * 7919}. {_SYSTEM}")):
            for name in names:
                samples[case][name].append(_ask(lines[name], system, _question(number)))
    return samples


def _question(number: int) -> str:
    thing, form = _THINGS[number % len(_THINGS)], _ASKS[number // len(_THINGS) % len(_ASKS)]
    return f"Letter {number}: {form.format(thing)}"


def _ask(line: Client, system: str, question: str) -> Sample:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": question}]
    options = {"model": "local", "temperature": 0, "max_tokens": 8, "stream_options": {"include_usage": True}}
    spoken = line.chat({"messages": messages, **options})
    if not spoken.text:
        raise RuntimeError("an answer without text")
    return Sample(spoken.first_token_s * 1000, spoken.text, spoken.prompt_tokens)


def _row(case: str, candidate: str, found: dict[str, list[Sample]]) -> tuple[str, str, str]:
    times = {name: [sample.first_ms for sample in samples] for name, samples in found.items()}
    added = "" if candidate == _OURS else differences(times[_OURS], times[candidate]).text(".1f")
    return f"{case}: {candidate}", Spread.of(times[candidate]).text(".1f"), added


def _share_of_equal_prompts(samples: Samples) -> float:
    pairs = [
        (ours.prompt_tokens, theirs.prompt_tokens)
        for found in samples.values()
        for ours, theirs in zip(found[_OURS], found[_PEER], strict=True)
    ]
    return sum(a == b for a, b in pairs) / len(pairs)
