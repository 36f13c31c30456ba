"""The fields of the limits of an API key, in units of people."""

from typing import Any

from nicegui import html, ui

from deployments.contracts.api_key import KeyLimits
from ui.components.field_set import FieldSet
from ui.context import PanelContext

_SECONDS = 60


def draw_limit_fields(panel: PanelContext) -> FieldSet:
    """An empty field is no limit."""
    t = panel.t
    with html.div().classes("keys-limits"):
        return FieldSet(
            {
                "requests_per_minute": _number(t("keys.limit_requests"), t("keys.limit_requests_hint"), 1_000_000),
                "tokens_per_day": _number(t("keys.limit_tokens"), t("keys.limit_tokens_hint"), 10**12),
                "audio_minutes": _number(t("keys.limit_audio"), t("keys.limit_audio_hint"), 10**9 // _SECONDS),
                "cost_per_day": _number(t("keys.limit_cost"), t("keys.limit_cost_hint"), 10**9, "0.01"),
                "concurrent_streams": _number(t("keys.limit_streams"), t("keys.limit_streams_hint"), 10_000),
            }
        )


def _number(label: str, hint: str, most: int, step: str = "1") -> ui.number:
    field = ui.number(label, min=0, max=most).props(f'outlined dense step="{step}"')
    field.props["hint"] = hint
    return field


def limit_values(limits: KeyLimits) -> dict[str, Any]:
    """The values of the fields."""
    return {
        "requests_per_minute": limits.requests_per_minute or None,
        "tokens_per_day": limits.tokens_per_day or None,
        "audio_minutes": limits.audio_seconds_per_day / _SECONDS or None,
        "cost_per_day": limits.cost_per_day or None,
        "concurrent_streams": limits.concurrent_streams or None,
    }


def entered_limits(fields: FieldSet) -> KeyLimits:
    """What the fields hold. The fields keep numbers inside the bounds of ``KeyLimits``."""
    values = fields.values()
    return KeyLimits(
        requests_per_minute=int(values["requests_per_minute"] or 0),
        tokens_per_day=int(values["tokens_per_day"] or 0),
        audio_seconds_per_day=round((values["audio_minutes"] or 0) * _SECONDS),
        cost_per_day=float(values["cost_per_day"] or 0),
        concurrent_streams=int(values["concurrent_streams"] or 0),
    )
