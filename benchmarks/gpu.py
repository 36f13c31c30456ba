"""gpu: vLLM bare and through the graph: first token, tokens per second, memory; cloned voices beside it.

``BENCHMARK_MODEL`` is the folder of a model in the format of Hugging Face. Without it a tiny model is made on the spot,
which also runs on a CPU: it has next to no work of its own, so the difference is what the path through the graph adds.
Run it in an environment with vLLM: ``.venv-torch/bin/python -m benchmarks gpu``.
"""

import asyncio
import itertools
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import yaml

from benchmarks.card_voices import voice_table
from benchmarks.comparison import Spread, abba_order, paired_differences
from benchmarks.report import BenchmarkResult, ResultTable
from benchmarks.server_process import API_KEY, ServerProcess, secretary_server
from benchmarks.server_process import wait_for_secretary as wait_up
from benchmarks.streaming_client import StreamingClient
from deployments.engines.chat.vllm_options import VllmOptions, engine_arguments
from deployments.engines.chat.vllm_process import ENVIRONMENT
from deployments.gpu_memory.cards import read_cards

_OURS, _BARE = "through the graph", "AsyncLLM"
_STREAMS = (1, 8, 32)
_TOKENS = 64
_SYSTEM = "You answer the phone of a small company that repairs clocks. Answer briefly and politely."
_MIBIBYTE = 1 << 20
_POLLING_S = 1.2
"""The processes of vLLM poll their queue for a second after a request (``SpinCondition`` in its
``shm_broadcast.py``), and on a CPU both engines are bound to the same cores."""


@dataclass(frozen=True, slots=True)
class Machine:
    """``options`` are the engine options for the graph and for the bare engine."""

    options: dict[str, Any]
    has_card: bool


def measure(quick: bool) -> BenchmarkResult:
    passes, rounds = (6, 1) if quick else (60, 3)
    with TemporaryDirectory(prefix="secretary-bench-") as name, ExitStack() as stack:
        machine = _machine(Path(name))
        bare = _BareEngine(machine)  # one after the other: engines that load together count each other's memory
        stack.callback(bare.close)
        used = _card_bytes() if machine.has_card else bare.resident_bytes()
        ours = stack.enter_context(_secretary(Path(name), machine))
        wait_up(ours)
        first = _first_tokens(ours, bare, passes)
        rates = _rates(ours, bare, rounds)
        question = _body("Tell me about clocks.", _TOKENS)
        voices = voice_table(Path(name), lambda: _answered(ours, question), passes=2 * rounds + 1)
    model = Path(machine.options["model"]).name
    tables = (_first_table(first, passes, machine, model), _rate_table(rates, rounds, used, machine, model), voices)
    return BenchmarkResult(tables, {"first_token_ms": first, "tokens_per_s": rates, "memory_bytes": used})


def _answered(ours: ServerProcess, question: dict[str, object]) -> None:
    StreamingClient(ours.port, API_KEY).chat(question)


def _machine(folder: Path) -> Machine:
    has_card = _card_bytes() > 0
    options: dict[str, Any] = {
        "max_model_len": 1_024,
        "max_num_seqs": max(_STREAMS),
        "kv_cache_memory_bytes": 1 << 30,
        "languages": ["mul"],
    }
    if model := os.environ.get("BENCHMARK_MODEL"):
        return Machine(options | {"model": model}, has_card)
    from tests.vllm.tiny_model import build_model

    tiny = build_model(folder / "tiny")
    return Machine(options | {"model": str(tiny), "dtype": "float32", "enforce_eager": True}, has_card)


def _secretary(folder: Path, machine: Machine) -> ServerProcess:
    chat = {"engine": "vllm", "options": machine.options, "num_gpus": 0.5 if machine.has_card else 0}
    arguments = [("office", "/admin", {}), ("secretary", "/", {"chats": [chat]})]
    applications = [
        {"name": name, "route_prefix": prefix, "import_path": f"serve_app:build_{name}", "args": args}
        for name, prefix, args in arguments
    ]
    graph = folder / "graph.yaml"
    graph.write_text(yaml.safe_dump({"proxy_location": "HeadOnly", "applications": applications}))
    return secretary_server("secretary", folder / "data", graph)


class _BareEngine:
    """AsyncLLM in this process with the options of the graph. Methods block."""

    def __init__(self, machine: Machine) -> None:
        os.environ.update(ENVIRONMENT)
        self._runner = asyncio.Runner()
        self._llm = self._runner.run(self._start(VllmOptions(**machine.options)))
        self._requests = itertools.count()

    async def _start(self, options: VllmOptions) -> Any:
        from vllm.engine.arg_utils import AsyncEngineArgs
        from vllm.v1.engine.async_llm import AsyncLLM

        arguments: Any = engine_arguments(options)
        return AsyncLLM.from_engine_args(AsyncEngineArgs(**arguments))

    def close(self) -> None:
        self._llm.shutdown()
        self._runner.close()

    def resident_bytes(self) -> int:
        """Memory of the engine core."""
        return sum(child.memory_info().rss for child in psutil.Process().children(recursive=True))

    def first_token_ms(self, question: str) -> float:
        return self._runner.run(self._answer(question, 8)) * 1000

    def answer(self, questions: Sequence[str]) -> None:
        async def answer_all() -> None:
            await asyncio.gather(*(self._answer(question, _TOKENS) for question in questions))

        self._runner.run(answer_all())

    async def _answer(self, question: str, tokens: int) -> float:
        """Seconds to the first text."""
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        started, first = time.perf_counter(), 0.0
        prompt = self._llm.get_tokenizer().apply_chat_template(
            _messages(question), tokenize=False, add_generation_prompt=True
        )
        parameters = SamplingParams(max_tokens=tokens, temperature=0, output_kind=RequestOutputKind.DELTA)
        async for output in self._llm.generate(prompt, parameters, str(next(self._requests))):
            if output.outputs[0].text and not first:
                first = time.perf_counter() - started
        return first


def _messages(question: str) -> list[dict[str, str]]:
    return [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": question}]


def _body(question: str, tokens: int) -> dict[str, object]:
    return {"model": "local", "messages": _messages(question), "max_tokens": tokens, "temperature": 0}


def _first_tokens(ours: ServerProcess, bare: _BareEngine, passes: int) -> dict[str, list[float]]:
    client = StreamingClient(ours.port, API_KEY)
    found: dict[str, list[float]] = {_BARE: [], _OURS: []}
    for number, names in enumerate(abba_order(list(found), passes + 2)):
        for name in names:
            question = f"Letter {number}: how long does a repair take?"
            time.sleep(_POLLING_S)
            if name == _BARE:
                found[name].append(bare.first_token_ms(question))
            else:
                found[name].append(client.chat(_body(question, 8)).first_token_s * 1000)
    return {name: values[2:] for name, values in found.items()}


def _rates(ours: ServerProcess, bare: _BareEngine, rounds: int) -> dict[str, dict[int, list[float]]]:
    """Tokens per second of all streams together, by the number of streams."""
    found: dict[str, dict[int, list[float]]] = {name: {n: [] for n in _STREAMS} for name in (_BARE, _OURS)}
    numbers = itertools.count()
    with ThreadPoolExecutor(max(_STREAMS)) as pool:
        for names in abba_order(list(found), rounds):
            for name, streams in itertools.product(names, _STREAMS):
                questions = [f"Card {next(numbers)}: tell me about clocks." for _ in range(streams)]
                time.sleep(_POLLING_S)
                started = time.perf_counter()
                if name == _BARE:
                    bare.answer(questions)
                else:
                    list(pool.map(lambda q: StreamingClient(ours.port, API_KEY).chat(_body(q, _TOKENS)), questions))
                found[name][streams].append(streams * _TOKENS / (time.perf_counter() - started))
    return found


def _card_bytes() -> int:
    """Memory in use on the first card; 0 without a card."""
    cards = read_cards()
    return cards[0].total - cards[0].free if cards else 0


def _first_table(first: dict[str, list[float]], passes: int, machine: Machine, model: str) -> ResultTable:
    added = paired_differences(first[_OURS], first[_BARE])
    return ResultTable(
        f"First token of vLLM, one request at a time, {model} on a {'card' if machine.has_card else 'CPU'}",
        ("", "first token, ms (median)", "added, ms"),
        [
            (_BARE, Spread.of(first[_BARE]).format(".1f"), ""),
            (_OURS, Spread.of(first[_OURS]).format(".1f"), added.format(".1f")),
        ],
        (
            f"{passes} questions in ABBA order, differences question by question, median (lowest–highest), each "
            f"{_POLLING_S:g} s after the one before, when no engine polls its queue any more. The graph "
            "checks the key, asks the FAQ (one hop) and streams from the process of the model (another hop).",
            *_not_run(machine),
        ),
    )


def _rate_table(
    rates: dict[str, dict[int, list[float]]], rounds: int, used: int, machine: Machine, model: str
) -> ResultTable:
    memory = f"{used / _MIBIBYTE:,.0f} MiB " + ("of the card" if machine.has_card else "resident")
    return ResultTable(
        f"Tokens per second of vLLM, {model}",
        ("", *(f"{streams} streams" for streams in _STREAMS)),
        [(name, *(Spread.of(rates[name][streams]).format(".0f") for streams in _STREAMS)) for name in rates],
        (
            f"Answers of {_TOKENS} tokens, {rounds} rounds in ABBA order. One engine uses {memory}. Client and servers "
            "share the cores.",
            *_not_run(machine),
        ),
    )


def _not_run(machine: Machine) -> tuple[str, ...]:
    return () if machine.has_card else ("Without a card: the numbers of a card were not measured.",)
