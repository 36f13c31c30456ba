"""Prometheus metrics of one process and of several."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from deployments.api.metrics import Metrics, forget_process
from tests.api.running_gateway import METRICS_KEY, RunningGateway, wait_until

WORKER = """
import sys
from deployments.api.metrics import Metrics
metrics = Metrics()
metrics.on_stream_opened("llm")
metrics.queue_depth("stt", 3)
metrics.on_tokens(5, 7, "local")
metrics.on_stage("first_token", 0.2, "api", "faq:9")
metrics.request("/v1/models", 200, 0.01)
print("recorded", flush=True)
sys.stdin.read()
"""


def test_requests_are_counted_by_template(http: httpx.Client, door: RunningGateway) -> None:
    http.get("/v1/models/secretary")
    http.get("/v1/anything/at/all?x=1")
    headers = {"authorization": f"Bearer {METRICS_KEY}"}
    text = http.get("/metrics", headers=headers).text
    assert 'secretary_http_requests_total{path="/v1/models/{id}",status="200"}' in text
    assert 'secretary_http_requests_total{path="other",status="404"}' in text
    assert "anything" not in text


def test_exposition_contains_turn_metrics() -> None:
    metrics = Metrics()
    metrics.on_stage("faq", 0.0004, "api", "faq:12")
    metrics.on_stage("faq", 0.0004, "api", "faq:13")
    metrics.on_stream_opened("tts")
    metrics.on_stream_opened("tts")
    metrics.on_stream_closed("tts")
    metrics.on_tokens(10, 20, "cloud:x")
    metrics.on_audio(1.5, "piper")
    metrics.on_phrase_cache(True)
    metrics.on_phrase_cache(False)
    metrics.on_underruns(2, avoided=False)
    metrics.on_underruns(1, avoided=True)
    metrics.queue_depth("llm", 4)
    text = metrics.exposition().decode()
    assert 'secretary_stage_seconds_count{route="faq",source="api",stage="faq"} 2.0' in text
    assert 'secretary_stage_seconds_bucket{le="0.0005",route="faq",source="api",stage="faq"} 2.0' in text
    assert 'secretary_live_streams{kind="tts"} 1.0' in text
    assert 'secretary_tokens_total{direction="completion",route="cloud:x"} 20.0' in text
    assert 'secretary_audio_seconds_total{engine="piper"} 1.5' in text
    assert 'secretary_phrase_cache_total{result="hit"} 1.0' in text
    assert 'secretary_line_underruns_total{result="suffered"} 2.0' in text
    assert 'secretary_line_underruns_total{result="avoided"} 1.0' in text
    assert 'secretary_queue_depth{queue="llm"} 4.0' in text


def test_multiprocess_sums_and_forgets_dead_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"recorded\n"
    text = Metrics().exposition().decode()
    assert 'secretary_live_streams{kind="llm"} 2.0' in text
    assert 'secretary_queue_depth{queue="stt"} 6.0' in text
    assert 'secretary_tokens_total{direction="prompt",route="local"} 10.0' in text
    assert 'secretary_http_requests_total{path="/v1/models",status="200"} 2.0' in text
    workers[0].kill()
    workers[0].wait()
    forget_process(workers[0].pid)
    text = Metrics().exposition().decode()
    assert 'secretary_live_streams{kind="llm"} 1.0' in text
    assert 'secretary_tokens_total{direction="prompt",route="local"} 10.0' in text
    workers[1].communicate()


def test_request_seconds_are_measured(http: httpx.Client, door: RunningGateway) -> None:
    http.get("/health")
    wait_until(lambda: b'secretary_http_request_seconds_count{path="/health"}' in door.metrics.exposition())
