"""The values that fields may have here: languages, time zones, personas, models, voices and presets."""

from functools import cache
from zoneinfo import available_timezones

from deployments.administration.auth.permissions import AdminResource
from ui.components.form_controls import Options
from ui.context import PanelContext
from ui.translations import LANGUAGES

Choices = dict[str, dict[str, Options]]
"""By group and field."""


@cache
def _time_zones() -> tuple[str, ...]:
    return tuple(sorted(name for name in available_timezones() if "/" in name or name == "UTC"))


async def read_choices(panel: PanelContext) -> Choices:
    """Nothing for users who may not change settings."""
    if not panel.can_change(AdminResource.SETTINGS):
        return {}
    office, t = panel.services.office, panel.t
    installed = panel.services.installed_voices()
    voices = {voice.id: f"{voice.name} · {voice.engine}" for voice in installed}
    languages = sorted({*LANGUAGES, *(language for voice in installed for language in voice.languages[:1])})
    names = {"local": t("route.local"), "ru": "Русский", "en": "English"}
    presets = {each.name: each.display_name or each.name for each in await office.presets.list()}
    return {
        "general": {
            "default_language": {code: names.get(code, code) for code in languages},
            "time_zone": _time_zones(),
            "default_persona": {each.id: each.name for each in await office.personas.list()},
            "default_route": {route: names.get(route, route) for route in await office.chains.known_routes()},
        },
        "speech": {"default_voices": voices, "rescue_voices": voices, "default_preset": presets},
    }
