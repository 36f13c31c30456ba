"""Routes of ``/monitor``: health, latency, machine and GPUs."""

import asyncio
import os
import subprocess
import sys
import threading
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import pytest
from prometheus_client import CollectorRegistry

from deployments.administration.audit.audit_recorder import AuditRecorder
from deployments.administration.monitoring.gpu import GpuMonitor
from deployments.administration.monitoring.machine import CpuMeter, Machine
from deployments.administration.monitoring.monitor import Monitor
from deployments.administration.office.composition import OfficeServices
from deployments.administration.services.replica_registry import ReplicaRegistry
from deployments.administration.services.service_control import ServiceControl
from deployments.api.admin.monitoring.routes import build_router
from deployments.api.admin.server_sent_events import EventStreamSlots
from deployments.api.metrics import Metrics
from deployments.contracts.reports import DoorReport, StageLatency
from tests.api.admin.fake_nvml import Nvml
from tests.api.admin.router_client import application_of, router_client
from tests.api.asgi import AsgiCall
from tests.unit.administration.conftest import audited
from tests.unit.administration.fake_replicas import FakeCluster, FollowedReplica, deployment_facts
from tests.waiting import wait_until

CpuTimes = namedtuple("CpuTimes", "user idle iowait guest")


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry())


@pytest.fixture
def registry() -> ReplicaRegistry:
    return ReplicaRegistry()


def monitor(
    office: OfficeServices,
    registry: ReplicaRegistry,
    metrics: Metrics,
    gpus: GpuMonitor | None = None,
    gpu_timeout_s: float = 5.0,
    cluster: FakeCluster | None = None,
) -> Monitor:
    services = ServiceControl(
        office.database, registry, cluster or FakeCluster(), {"chat": "chat"}, action_timeout_s=0.5
    )
    machine = Machine({"data": Path.cwd(), "gone": Path.cwd() / "not there"})
    recorder = AuditRecorder(office.database)
    return Monitor(
        services, office.report_ingest, recorder, machine, gpus or GpuMonitor(Nvml), metrics.exposition, gpu_timeout_s
    )


async def test_gpu_report_has_all_fields(office: OfficeServices, registry: ReplicaRegistry, metrics: Metrics) -> None:
    async with router_client(build_router(monitor(office, registry, metrics), EventStreamSlots())) as http:
        report = (await http.get("/monitor/gpu")).json()
    (gpu,) = report["gpus"]
    assert report["available"]
    assert (gpu["total_memory_gb"], gpu["used_gb"], gpu["free_gb"]) == (12, 3, 9)
    assert (gpu["utilization_percent"], gpu["temperature_c"], gpu["power_w"]) == (42, 61, None)
    assert gpu["compute_capability"] == "8.6"
    assert [(each["pid"], each["memory_gb"]) for each in gpu["processes"]] == [(os.getpid(), 1.0)]


def test_gpu_report_without_card_has_reason() -> None:
    def absent() -> Any:
        raise ImportError("pynvml")

    class NoDriver(Nvml):
        def nvmlInit(self) -> None:
            raise RuntimeError("Driver Not Loaded")

    assert GpuMonitor(absent).read().reason == "nvidia-ml-py is not installed (extra gpu)"
    assert not GpuMonitor(absent).read().available
    assert "Driver Not Loaded" in (GpuMonitor(NoDriver).read().reason or "")
    nvml = Nvml()
    gpus = GpuMonitor(lambda: nvml)
    gpus.read()
    gpus.read()
    assert nvml.open == 1
    gpus.close()
    assert nvml.open == 0


async def test_gpu_driver_that_hangs_holds_one_thread(
    office: OfficeServices, registry: ReplicaRegistry, metrics: Metrics
) -> None:
    class HangingNvml(Nvml):
        going, counted = threading.Event(), 0

        def nvmlDeviceGetCount(self) -> int:
            self.counted += 1
            assert self.going.wait(10)
            return 1

    nvml = HangingNvml()
    watched = monitor(office, registry, metrics, GpuMonitor(lambda: nvml), gpu_timeout_s=0.05)
    async with router_client(build_router(watched, EventStreamSlots())) as http:
        replies = await asyncio.gather(*(http.get("/monitor/gpu") for _ in range(10)))
        assert {reply.json()["reason"] for reply in replies} == {"the driver does not answer"}
        assert nvml.counted == 1
        nvml.going.set()
        async with asyncio.timeout(5):
            while not (await http.get("/monitor/gpu")).json()["available"]:
                await asyncio.sleep(0.01)
    watched.close()


async def test_gpu_stream_ends_on_disconnect(
    office: OfficeServices, registry: ReplicaRegistry, metrics: Metrics
) -> None:
    slots = EventStreamSlots(limit=1)
    app = application_of(build_router(monitor(office, registry, metrics), slots, gpu_period_s=0.01))
    call = AsgiCall("/monitor/gpu/stream", b"", method="GET")
    serving = asyncio.create_task(app(call.scope(), call.receive, call.send))  # type: ignore[arg-type]
    await wait_until(lambda: len([m for m in call.sent if m.get("body")]) >= 3)
    event = next(m["body"] for m in call.sent if m.get("body"))
    assert orjson.loads(event.removeprefix(b"data: "))["gpus"][0]["temperature_c"] == 61
    second = AsgiCall("/monitor/gpu/stream", b"", method="GET")
    await app(second.scope(), second.receive, second.send)  # type: ignore[arg-type]
    assert (second.status, second.json["error"]["code"]) == (503, "overloaded")
    call.disconnected.set()
    await asyncio.wait_for(serving, 1)
    assert slots.in_use == 0


async def test_health_degraded_when_desired_service_is_down(
    office: OfficeServices, registry: ReplicaRegistry, metrics: Metrics
) -> None:
    async with (
        FollowedReplica(registry, "chat", "1") as host,
        router_client(build_router(monitor(office, registry, metrics), EventStreamSlots())) as http,
    ):
        await wait_until(lambda: registry.replicas("chat"))
        assert (await http.get("/monitor/health")).json()["overall"] == "healthy"
        assert (await http.get("/monitor/errors")).json()["errors"] == {}
        host.broken = "no weights"
        await wait_until(lambda: registry.replicas("chat")[0].error)
        health = (await http.get("/monitor/health")).json()
        assert health["overall"] == "degraded"
        assert health["components"]["chat"] == {"status": "failed", "detail": "no weights", "remedy": "mend it"}
        errors = (await http.get("/monitor/errors")).json()["errors"]
        assert errors == {"chat": {"message": "no weights", "remedy": "mend it"}}


async def test_health_degraded_while_cluster_is_silent(
    office: OfficeServices, registry: ReplicaRegistry, metrics: Metrics
) -> None:
    cluster = FakeCluster(deployment_facts("gateway", os.getpid()))
    watched = monitor(office, registry, metrics, cluster=cluster)
    async with FollowedReplica(registry, "chat", "1"), router_client(build_router(watched, EventStreamSlots())) as http:
        await wait_until(lambda: registry.replicas("chat"))
        assert (await http.get("/monitor/health")).json()["overall"] == "healthy"
        cluster.unavailable = True
        health = (await http.get("/monitor/health")).json()
        assert health["overall"] == "degraded"
        assert {name: each["status"] for name, each in health["components"].items()} == {
            "chat": "healthy",
            "serve": "unknown",
        }
        assert health["components"]["serve"]["detail"] == "Serve does not say"
        errors = (await http.get("/monitor/errors")).json()["errors"]
        assert errors["serve"]["remedy"].startswith("wait until Ray")


def test_cpu_meter_measures_across_threads() -> None:
    now = CpuTimes(user=100.0, idle=100.0, iowait=0.0, guest=10.0)
    meter = CpuMeter(lambda: now, count=2)
    now = CpuTimes(user=103.0, idle=100.5, iowait=0.5, guest=11.0)
    assert read_in_another_thread(meter) == 75.0
    now = CpuTimes(user=103.0, idle=100.9, iowait=0.5, guest=11.0)
    assert read_in_another_thread(meter) == 75.0, "less than half a second later"
    now = CpuTimes(user=103.0, idle=102.5, iowait=0.5, guest=11.0)
    assert read_in_another_thread(meter) == 0.0


def read_in_another_thread(meter: CpuMeter) -> float:
    with ThreadPoolExecutor(1) as fresh:
        return fresh.submit(meter.percent).result()


class SeveralCards(Nvml):
    """Card 1 does not report its memory; card 2 is lost, and all cards are with ``lost``."""

    def __init__(self) -> None:
        super().__init__()
        self.opened, self.lost = 0, False

    def nvmlInit(self) -> None:
        super().nvmlInit()
        self.opened += 1

    def nvmlDeviceGetCount(self) -> int:
        return 3

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        if self.lost or index == 2:
            raise RuntimeError("GPU is lost")
        return index

    def nvmlDeviceGetMemoryInfo(self, card: int) -> Any:
        if card == 1:
            raise RuntimeError("Not Supported")
        return super().nvmlDeviceGetMemoryInfo(card)


def test_gpu_card_that_fails_hides_no_other() -> None:
    nvml = SeveralCards()
    gpus = GpuMonitor(lambda: nvml)
    gpus.read()
    report = gpus.read()
    assert (report.available, report.reason, report.total_memory_gb, report.used_gb) == (True, None, 12.0, 3.0)
    whole, secretive, lost = report.gpus
    assert (whole.total_memory_gb, secretive.total_memory_gb, lost.total_memory_gb) == (12.0, None, None)
    assert (whole.temperature_c, secretive.temperature_c, lost.temperature_c) == (61, 61, None)
    assert [card.reason for card in report.gpus] == [None, None, "RuntimeError: GPU is lost"]
    assert nvml.opened == 1
    nvml.lost = True
    report = gpus.read()
    assert (report.available, report.reason, len(report.gpus)) == (False, "RuntimeError: GPU is lost", 3)
    gpus.read()
    assert (nvml.open, nvml.opened) == (0, 2), "a driver that came back is found"


async def test_metrics_reset_clears_latency_only(
    office: OfficeServices, registry: ReplicaRegistry, metrics: Metrics
) -> None:
    tally = StageLatency(stage="total", source="api", route="local", count=4, p50_ms=10, p95_ms=30, max_ms=40)
    await office.report_ingest.accept(
        DoorReport(door="gateway#1", sequence=1, revision=1, stages=(tally,), live_streams=2)
    )
    metrics.on_tokens(7, 11, "local")
    metrics.request("/v1/chat/completions", 200, 0.1)
    metrics.on_phrase_cache(True)
    metrics.on_underruns(2, avoided=True)
    async with router_client(build_router(monitor(office, registry, metrics), EventStreamSlots())) as http:
        body = (await http.get("/monitor/metrics")).json()
        assert body["latency"] == [{"stage": "total", "route": "local", "count": 4, "p50_ms": 10.0, "p95_ms": 30.0}]
        assert body["counts"]["tokens"] == {"prompt": 7.0, "completion": 11.0}
        assert body["counts"]["requests_by_status"] == {"200": 1.0}
        assert body["counts"]["phrase_cache"] == {"hit": 1.0}
        assert body["counts"]["line_underruns"] == {"avoided": 2.0}
        assert body["doors"][0]["live_streams"] == 2
        assert body["system"]["memory"]["total_gb"] > 0
        reset = (await http.post("/monitor/metrics/reset")).json()
        assert (reset["status"], reset["latency_points"]) == ("reset", 1)
        after = (await http.get("/monitor/metrics")).json()
        assert after["latency"] == []
        assert after["counts"]["tokens"] == {"prompt": 7.0, "completion": 11.0}
    assert (await audited(office))[0] == ("anna", "reset", "metrics")


async def test_machine_report_has_no_command_lines(
    office: OfficeServices, registry: ReplicaRegistry, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRETARY_RUN_ID", f"test-{os.getpid()}")
    wait = "import sys; sys.stdin.read()"
    mine = subprocess.Popen([sys.executable, "-c", wait, "--token=hunter2"], stdin=subprocess.PIPE)
    strange = os.environ | {"SECRETARY_RUN_ID": "another"}
    other = subprocess.Popen([sys.executable, "-c", wait], stdin=subprocess.PIPE, env=strange)
    try:
        async with router_client(build_router(monitor(office, registry, metrics), EventStreamSlots())) as http:
            reply = await http.get("/monitor/system")
    finally:
        for process in (mine, other):
            process.communicate(b"", timeout=5)
    body = reply.json()
    pids = {each["pid"] for each in body["processes"]}
    assert mine.pid in pids
    assert other.pid not in pids
    assert "hunter2" not in reply.text
    assert [disk["name"] for disk in body["disks"]] == ["data"]
    assert body["cpu"]["count"] >= 1
