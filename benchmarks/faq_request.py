"""The request of the HTTP benchmarks, and the load of one candidate."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from benchmarks.closed_loop import LoadResult, build_post_request, run_closed_loop
from benchmarks.server_process import API_KEY, ServerProcess, post_json

PATH = "/v1/chat/completions"
QUESTION = "Who are you?"
BODY = orjson.dumps({"model": "secretary", "messages": [{"role": "user", "content": QUESTION}]})
CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class FaqLoadRun:
    """One run: sixteen connections, then a single one."""

    concurrent: LoadResult
    single: LoadResult
    cpu_ms: float
    """Processor time of all server processes for one concurrent request, milliseconds."""

    def summary(self) -> dict[str, float]:
        return {
            "per_second": self.concurrent.per_second,
            "concurrent_p50_ms": self.concurrent.latency_ms(0.5),
            "concurrent_p99_ms": self.concurrent.latency_ms(0.99),
            "single_p50_ms": self.single.latency_ms(0.5),
            "single_p99_ms": self.single.latency_ms(0.99),
            "cpu_ms": self.cpu_ms,
            "requests": len(self.concurrent.latencies) + len(self.single.latencies),
            "errors": self.concurrent.errors + self.single.errors,
        }


def answer_check(server: ServerProcess, key: str = API_KEY) -> Callable[[], bool]:
    """A function that returns whether ``server`` replies with 200."""
    return lambda: post_json(server.port, PATH, orjson.loads(BODY), key)[0] == 200


def run_load(server: ServerProcess, seconds: float, key: str = API_KEY) -> FaqLoadRun:
    """``seconds`` of sixteen connections, then half as long of a single one, after a short warm-up."""
    request = build_post_request(server.port, PATH, BODY, key)
    run_closed_loop(server.port, request, CONNECTIONS, min(0.5, seconds / 4))
    used = server.cpu_seconds()
    concurrent = run_closed_loop(server.port, request, CONNECTIONS, seconds)
    used = server.cpu_seconds() - used
    time.sleep(0.1)
    single = run_closed_loop(server.port, request, 1, seconds / 2)
    return FaqLoadRun(concurrent, single, used / len(concurrent.latencies) * 1000)
