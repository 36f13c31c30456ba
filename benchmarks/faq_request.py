"""The one request of the HTTP measurements, and what one candidate does with it."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from benchmarks.closed_loop import Load, closed_loop, post
from benchmarks.started import API_KEY, Server, ask

PATH = "/v1/chat/completions"
QUESTION = "Who are you?"
BODY = orjson.dumps({"model": "secretary", "messages": [{"role": "user", "content": QUESTION}]})
CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Run:
    """One turn of a candidate: sixteen connections, then a single one."""

    crowd: Load
    alone: Load
    cpu_ms: float
    """Processor time of the server's whole family for one request of the crowd, milliseconds."""

    def summary(self) -> dict[str, float]:
        return {
            "per_second": self.crowd.per_second,
            "crowd_p50_ms": self.crowd.ms(0.5),
            "crowd_p99_ms": self.crowd.ms(0.99),
            "alone_p50_ms": self.alone.ms(0.5),
            "alone_p99_ms": self.alone.ms(0.99),
            "cpu_ms": self.cpu_ms,
            "requests": len(self.crowd.latencies) + len(self.alone.latencies),
            "errors": self.crowd.errors + self.alone.errors,
        }


def answers(server: Server, key: str = API_KEY) -> Callable[[], bool]:
    """Whether ``server`` answers the request with 200 by now."""
    return lambda: ask(server.port, PATH, orjson.loads(BODY), key)[0] == 200


def run(server: Server, seconds: float, key: str = API_KEY) -> Run:
    """``seconds`` of sixteen connections, then half as long of a single one, after a short warm-up."""
    request = post(server.port, PATH, BODY, key)
    closed_loop(server.port, request, CONNECTIONS, min(0.5, seconds / 4))
    used = server.cpu_seconds()
    crowd = closed_loop(server.port, request, CONNECTIONS, seconds)
    used = server.cpu_seconds() - used
    time.sleep(0.1)
    alone = closed_loop(server.port, request, 1, seconds / 2)
    return Run(crowd, alone, used / len(crowd.latencies) * 1000)
