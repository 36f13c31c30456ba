"""The machine: processor, memory, disks, network and the largest processes."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime

from nicegui import html, ui

from deployments.administration.monitoring.gpu import GpuReport
from deployments.administration.monitoring.machine import MachineReport
from ui.components.latency_plot import GREY
from ui.components.page_parts import fact
from ui.components.section import RedrawnSection
from ui.context import PanelContext
from ui.formatting import format_number
from ui.tabs.monitoring.meters import Meter, draw_meter
from ui.tabs.services.words import format_memory, format_uptime
from ui.translations import Translator

_MAX_SAMPLES = 240
_MAX_PROCESSES = 8
_LOOPBACK = "lo"
_COLOURS = {"cpu": "#17a08c", "memory": "#d9822b", "gpu": "#6d7bd6"}


@dataclass(frozen=True, slots=True)
class _Facts:
    host: str
    uptime: str
    sent: str
    received: str


class MachineCard:
    """Built in the current slot."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._samples: deque[dict[str, float]] = deque(maxlen=_MAX_SAMPLES)
        self._last_traffic: tuple[datetime, int, int] | None = None
        t = panel.t
        self._facts: RedrawnSection[_Facts] = RedrawnSection(html.dl().classes("monitoring-facts"), self._draw_facts)
        with html.div().classes("monitoring-columns"):
            with html.div():
                html.h3(t("monitoring.cpu"))
                cpu = html.div().classes("monitoring-meters")
            with html.div():
                html.h3(t("monitoring.memory_and_disks"))
                memory = html.div().classes("monitoring-meters")
        self._cpu: RedrawnSection[tuple[Meter, ...]] = RedrawnSection(cpu, _draw_meters)
        self._memory: RedrawnSection[tuple[Meter, ...]] = RedrawnSection(memory, _draw_meters)
        self._chart = ui.echart(_load_chart(t), renderer="svg").classes("chart")
        self._chart.props["aria-label"] = t("monitoring.load_plot")
        self._chart.props("role=img")
        html.h3(t("monitoring.processes"))
        self._processes: RedrawnSection[tuple[tuple[str, ...], ...]] = RedrawnSection(
            html.div().classes("monitoring-scroll"), self._draw_processes
        )

    def show(self, report: MachineReport, gpu: GpuReport) -> None:
        t = self._panel.t
        sent, received = self._traffic(report)
        self._facts.show(_Facts(report.system.hostname, format_uptime(report.system.uptime_seconds, t), sent, received))
        self._cpu.show(tuple(_cpu_meters(report, t)))
        self._memory.show(tuple(_memory_meters(report, t)))
        self._processes.show(
            tuple(_process_row(report, index, t) for index in range(len(report.processes))[:_MAX_PROCESSES])
        )
        self._add_sample(report, gpu)

    def _traffic(self, report: MachineReport) -> tuple[str, str]:
        """Bytes per second since the last reading."""
        t = self._panel.t
        cards = [each for each in report.network if each.interface != _LOOPBACK]
        now = (report.timestamp, sum(c.sent_bytes for c in cards), sum(c.received_bytes for c in cards))
        last, self._last_traffic = self._last_traffic, now
        seconds = (now[0] - last[0]).total_seconds() if last else 0.0
        if last is None or seconds <= 0:
            return "—", "—"
        return format_rate((now[1] - last[1]) / seconds, t), format_rate((now[2] - last[2]) / seconds, t)

    def _add_sample(self, report: MachineReport, gpu: GpuReport) -> None:
        if self._samples and self._samples[-1]["at"] == report.timestamp.timestamp() * 1_000:
            return
        loads = [card.utilization_percent for card in gpu.gpus if card.utilization_percent is not None]
        sample = {
            "at": report.timestamp.timestamp() * 1_000,
            "cpu": report.cpu.percent,
            "memory": report.memory.percent,
        }
        if loads:
            sample["gpu"] = max(loads)
        self._samples.append(sample)
        names = [name for name in _COLOURS if any(name in each for each in self._samples)]
        self._chart.options["series"] = [
            _line(self._panel.t(f"monitoring.line.{name}"), name, self._samples) for name in names
        ]
        self._chart.update()

    def _draw_facts(self, facts: _Facts) -> None:
        t = self._panel.t
        fact(t("monitoring.host"), facts.host)
        fact(t("monitoring.machine_uptime"), facts.uptime)
        fact(t("monitoring.sends"), facts.sent)
        fact(t("monitoring.receives"), facts.received)

    def _draw_processes(self, rows: tuple[tuple[str, ...], ...]) -> None:
        t = self._panel.t
        with html.table().classes("monitoring-table"):
            with html.thead(), html.tr():
                for name in ("process_name", "process_memory", "process_cpu", "process_uptime"):
                    html.th(t(f"monitoring.{name}")).props("scope=col")
            with html.tbody():
                for row in rows:
                    with html.tr():
                        for cell in row:
                            html.td(cell)


def format_rate(bytes_per_second: float, t: Translator) -> str:
    kilobytes = max(0.0, bytes_per_second) / 1024
    if kilobytes < 1_000:
        return t("monitoring.kb_s", value=f"{kilobytes:.0f}")
    return t("monitoring.mb_s", value=format_number(kilobytes / 1024, 1, t))


def _cpu_meters(report: MachineReport, t: Translator) -> list[Meter]:
    percent = t("monitoring.percent", value=round(report.cpu.percent))
    meters = [Meter(t("monitoring.all_cores"), report.cpu.percent, percent)]
    for number, load in enumerate(report.cpu.per_core, 1):
        meters.append(
            Meter(t("monitoring.core", number=number), load, t("monitoring.percent", value=round(load)), alarms=False)
        )
    return meters


def _memory_meters(report: MachineReport, t: Translator) -> list[Meter]:
    def gigabytes(used: float, total: float) -> str:
        return t("monitoring.of_gb", used=format_number(used, 1, t), total=format_number(total, 1, t))

    memory = report.memory
    meters = [Meter(t("monitoring.memory"), memory.percent, gigabytes(memory.used_gb, memory.total_gb))]
    for disk in report.disks:
        key = f"monitoring.disk.{disk.name}"
        name = t(key) if t.has(key) else disk.name
        meters.append(Meter(name, disk.percent, gigabytes(disk.total_gb - disk.free_gb, disk.total_gb)))
    return meters


def _process_row(report: MachineReport, index: int, t: Translator) -> tuple[str, ...]:
    process = report.processes[index]
    key = f"monitoring.process.{process.role}"
    return (
        t(key) if t.has(key) else process.role,
        format_memory(process.memory_mb, t),
        t("monitoring.percent", value=round(process.cpu_percent)),
        format_uptime(process.uptime_seconds, t),
    )


def _draw_meters(meters: tuple[Meter, ...]) -> None:
    for meter in meters:
        draw_meter(meter)


def _load_chart(t: Translator) -> dict[str, object]:
    label = {"color": GREY}
    percent = f"value => value.toLocaleString('{t.language}') + '\u00a0%'"
    return {
        "animation": False,
        "grid": {"left": 8, "right": 24, "top": 36, "bottom": 4, "containLabel": True},
        "legend": {"top": 0, "left": 0, "icon": "roundRect", "itemHeight": 3, "itemWidth": 16, "textStyle": label},
        "tooltip": {"trigger": "axis", "confine": True, ":valueFormatter": percent},
        "xAxis": {"type": "time", "splitNumber": 4, "axisLabel": label | {"hideOverlap": True}},
        "yAxis": {
            "type": "value",
            "min": 0,
            "max": 100,
            "axisLabel": label | {":formatter": percent},
            "splitLine": {"lineStyle": {"color": GREY, "opacity": 0.18}},
        },
        "series": [],
    }


def _line(name: str, key: str, samples: deque[dict[str, float]]) -> dict[str, object]:
    data = [[each["at"], each[key]] for each in samples if key in each]
    colour = _COLOURS[key]
    return {
        "name": name,
        "type": "line",
        "data": data,
        "showSymbol": len(data) < 2,
        "lineStyle": {"width": 2, "color": colour},
        "itemStyle": {"color": colour},
    }
