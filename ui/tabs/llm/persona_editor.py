"""The dialog that edits a persona; users who may not change it see it read-only."""

from collections.abc import Awaitable, Callable, Mapping

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.llm.personas import PersonaDraft, free_persona_id
from deployments.administration.office.drafts import apply_changes, version_of
from deployments.contracts.errors import Conflict, InvalidRequest, SecretaryError
from deployments.contracts.persona import Persona
from ui.components.confirmation_dialog import ask_confirmation
from ui.components.page_parts import attempt
from ui.context import PanelContext
from ui.tabs.llm.edit_conflict import EditConflict, Values
from ui.tabs.llm.persona_fields import PersonaFields
from ui.tabs.llm.prompt_preview import PromptPreviewCard
from ui.tabs.llm.route_titles import list_routes


class PersonaEditor:
    """One dialog, built anew for every persona. ``on_saved`` is awaited after a change."""

    def __init__(self, panel: PanelContext, on_saved: Callable[[], Awaitable[None]]) -> None:
        self._panel = panel
        self._on_saved = on_saved
        self._persona: Persona | None = None
        self.labels: Mapping[str, str] = {}
        with ui.dialog().props("persistent") as self._dialog:
            self._card = ui.card().classes("dialog llm-wide")

    async def open(self, persona: Persona | None = None) -> None:
        panel, t = self._panel, self._panel.t
        self._persona = persona
        routes = {"": t("llm.route_default"), **await list_routes(panel)}
        if persona is not None:
            routes.setdefault(persona.route, persona.route)
        may_change = panel.can_change(AdminResource.PROMPTS)
        self._card.clear()
        with self._card:
            html.h2(persona.name if persona else t("persona.add")).classes("dialog-title")
            self._fields = PersonaFields(panel, persona, routes)
            self.labels = self._fields.labels
            if may_change:
                PromptPreviewCard(panel, self._fields)
            else:
                self._fields.disable()
            self._problem = ui.label().classes("llm-error").props("role=alert")
            self._problem.set_visibility(False)
            self._conflict = EditConflict(panel, self)
            with html.div().classes("dialog-actions llm-sticky"):
                close = t("common.cancel" if may_change else "common.close")
                ui.button(close, on_click=self._dialog.close).props("flat no-caps")
                if may_change:
                    ui.button(t("common.save"), on_click=self.save).props("unelevated no-caps")
        self._dialog.props["aria-label"] = persona.name if persona else t("persona.add")
        self._dialog.open()

    def read(self) -> Values:
        return self._fields.read()

    def write(self, values: Values) -> None:
        self._fields.write(values)

    async def adopt_newest(self) -> Values:
        assert self._persona is not None
        self._persona = await self._panel.services.office.personas.get(self._persona.id)
        return self._fields.values_of(self._persona)

    async def save(self) -> None:
        panel, personas = self._panel, self._panel.services.office.personas
        self._problem.set_visibility(False)
        try:
            username = panel.require_change(AdminResource.PROMPTS)
            draft = apply_changes(PersonaDraft, {}, self._fields.draft_fields())
            if self._persona is None:
                taken = {persona.id for persona in panel.services.publisher.current.personas}
                await personas.create(free_persona_id(draft.name, taken), draft, username)
            else:
                await personas.update(self._persona.id, draft, version_of(self._persona), username)
        except Conflict as error:
            if error.param == "name":
                self._explain(panel.t("persona.name_taken"))
            else:
                await self._conflict.explain()
            return
        except InvalidRequest as error:
            self._explain(self._message(error))
            return
        except SecretaryError as error:
            panel.toast_error(error)
            return
        self._dialog.close()
        panel.toast(panel.t("persona.saved"))
        await self._on_saved()

    async def reset(self, persona: Persona) -> None:
        """Restores the texts of a persona that a new installation has, after a question."""
        panel, t = self._panel, self._panel.t
        title, yes = t("persona.reset_of", name=persona.name), t("persona.reset")
        if not await ask_confirmation(panel.client, title, t("persona.reset_text"), yes, t("common.cancel")):
            return

        async def reset() -> None:
            username = panel.require_change(AdminResource.PROMPTS)
            await panel.services.office.personas.reset_prompts(persona.id, username, version_of(persona))

        await attempt(panel, reset, t("persona.reset_done"))
        await self._on_saved()

    def _explain(self, text: str) -> None:
        self._problem.text = text
        self._problem.set_visibility(True)

    def _message(self, error: InvalidRequest) -> str:
        t = self._panel.t
        unknown = self._fields.unknown_variables()
        if unknown:
            return t("persona.unknown_variables", names=", ".join(f"{{{{{name}}}}}" for name in unknown))
        if "needs a prompt" in error.message:
            return t("persona.no_prompt")
        if (error.param or "").startswith("name"):
            return t("persona.no_name")
        return error.message
