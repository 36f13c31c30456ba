"""A value on a scale: a name, a bar and the value in words."""

from dataclasses import dataclass

from nicegui import html

_HIGH, _FULL = 80.0, 92.0


@dataclass(frozen=True, slots=True)
class Meter:
    """``percent`` from 0 to 100. With ``alarms`` the colour changes when it is nearly full."""

    name: str
    percent: float
    text: str
    alarms: bool = True


def draw_meter(meter: Meter) -> None:
    tone = ""
    if meter.alarms and meter.percent >= _HIGH:
        tone = "monitoring-full" if meter.percent >= _FULL else "monitoring-high"
    with html.div().classes(f"monitoring-meter {tone}"):
        with html.div().classes("monitoring-meter-line"):
            html.span(meter.name)
            html.span(meter.text).classes("muted")
        value = round(min(100.0, max(0.0, meter.percent)))
        with (
            html.div()
            .classes("meter")
            .props(f"role=meter aria-valuemin=0 aria-valuemax=100 aria-valuenow={value}") as bar
        ):
            html.div().style(f"width: {value}%")
        bar.props["aria-label"] = bar.props["aria-valuetext"] = f"{meter.name}: {meter.text}"
