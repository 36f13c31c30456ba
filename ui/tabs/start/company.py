"""The first step: what the company is called, its language and its time zone."""

from datetime import datetime
from zoneinfo import ZoneInfo, available_timezones

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.llm.personas import PersonaDraft
from deployments.administration.office.drafts import version_of
from deployments.contracts.errors import SecretaryError
from deployments.contracts.persona import Persona
from ui.components.text_fields import TextInput
from ui.tabs.start.step import StepContext
from ui.translations import LANGUAGES

_VARIABLE = "company"


async def draw(step: StepContext) -> None:
    panel, t = step.panel, step.panel.t
    settings = panel.services.publisher.current.settings
    persona = panel.services.publisher.current.persona(None)
    known = (persona.variables.get(settings.default_language, {}) if persona else {}).get(_VARIABLE, "")
    company = TextInput(t("start.company_name"), value=known).props("outlined maxlength=200").classes("full-width")
    company.props["hint"] = t("start.company_hint")
    with html.div().classes("start-row"):
        language = ui.select({code: t(f"start.language_{code}") for code in LANGUAGES}, label=t("start.language"))
        language.value = settings.default_language if settings.default_language in LANGUAGES else LANGUAGES[0]
        language.props("outlined").classes("start-grow")
        zones = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "posix")))
        zone = ui.select(zones, label=t("start.time_zone"), with_input=True, value=settings.time_zone)
        zone.props("outlined").classes("start-grow")
    clock = ui.label().classes("start-proof").props("role=status")

    def tell_time() -> None:
        now = datetime.now(ZoneInfo(zone.value or settings.time_zone))
        clock.text = t("start.local_time", time=f"{now:%H:%M}")

    async def save() -> None:
        try:
            by = panel.require_change(AdminResource.SETTINGS)
            changes = {"default_language": language.value, "time_zone": zone.value}
            await panel.services.office.settings.update_fields(changes, by, role=panel.session.role)
            if persona is not None and (name := (company.value or "").strip()):
                by = panel.require_change(AdminResource.PROMPTS)
                draft = with_company(persona, language.value, name)
                await panel.services.office.personas.update(persona.id, draft, version_of(persona), by)
        except SecretaryError as error:
            panel.toast_error(error)
            return
        panel.toast(t("common.saved"))
        await step.proceed()

    zone.on_value_change(tell_time)
    tell_time()
    ui.button(t("start.save_next"), icon="arrow_forward", on_click=save).props("unelevated no-caps")


def with_company(persona: Persona, language: str, company: str) -> PersonaDraft:
    """The persona with the company in the prompt of ``language``, as its variable ``{{company}}``."""
    fields = persona.model_dump(include=set(PersonaDraft.model_fields))
    prompts, variables = dict(persona.prompts), dict(persona.variables)
    if language in prompts and "{{company}}" not in prompts[language].replace(" ", ""):
        sentence = "Компания: {{company}}." if language == "ru" else "The company: {{company}}."
        prompts[language] = f"{prompts[language].rstrip()} {sentence}"
    if language in prompts:
        variables[language] = {**variables.get(language, {}), _VARIABLE: company}
    return PersonaDraft.model_validate(fields | {"prompts": prompts, "variables": variables})
