"""The personas: who answers, with which prompt, model and voice."""

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.llm.personas import seed_persona_ids
from deployments.contracts.errors import SecretaryError
from deployments.contracts.persona import Persona
from ui.components.page_parts import attempt, curl_line, fact, read_only_note
from ui.components.section import KeyedList, draw_skeleton
from ui.context import PanelContext
from ui.tabs.llm.persona_editor import PersonaEditor
from ui.tabs.llm.removal import remove_persona
from ui.tabs.llm.route_titles import describe_route


class PersonaRow:
    """Equal rows look the same."""

    def __init__(self, persona: Persona, is_default: bool, route: str) -> None:
        self.persona, self.is_default, self.route = persona, is_default, route
        self._look = (persona.model_dump_json(), is_default, route)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PersonaRow) and self._look == other._look

    def __hash__(self) -> int:
        return hash(self._look)


class PersonaSection:
    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._may_change = panel.can_change(AdminResource.PROMPTS)
        self._editor = PersonaEditor(panel, self.refresh)
        t = panel.t
        read_only_note(panel, AdminResource.PROMPTS)
        with html.div().classes("llm-head"):
            html.p(t("persona.lead")).classes("muted")
            if self._may_change:
                ui.button(t("persona.add"), icon="add", on_click=lambda: self._editor.open()).props(
                    "unelevated no-caps aria-haspopup=dialog"
                )
        self._container = html.div().classes("llm-cards")
        self._skeleton = html.div()
        with self._skeleton:
            draw_skeleton(4)
        self._rows: KeyedList[PersonaRow] = KeyedList(self._container, self._draw_row)
        curl_line(panel, "GET", "/llm/personas")

    async def refresh(self) -> None:
        try:
            self._panel.require_read(AdminResource.PROMPTS)
            personas = await self._panel.services.office.personas.list()
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        if self._container.is_deleted:
            return
        snapshot = self._panel.services.publisher.current
        default = snapshot.persona(None)
        self._rows.show(
            [
                PersonaRow(
                    each,
                    default is not None and each.id == default.id,
                    describe_route(each.route, snapshot, self._panel.t).text,
                )
                for each in personas
            ]
        )
        self._skeleton.set_visibility(False)

    def _draw_row(self, row: PersonaRow) -> ui.element:
        persona, t = row.persona, self._panel.t
        with html.article().classes("card llm-persona") as article:
            article.props["data-persona"] = persona.id
            with html.header().classes("card-header"):
                html.h2(persona.name)
                if row.is_default:
                    html.span(t("persona.is_default")).classes("tag")
            html.p(persona.prompt(t.language)).classes("muted llm-prompt-start")
            with html.dl().classes("llm-facts"):
                fact(t("llm.languages"), ", ".join(each.upper() for each in persona.prompts))
                fact(t("persona.model"), row.route)
            with html.div().classes("llm-actions"):
                self._draw_actions(row)
        element: ui.element = article
        return element

    def _draw_actions(self, row: PersonaRow) -> None:
        persona, t = row.persona, self._panel.t
        text = t("common.edit") if self._may_change else t("persona.look")
        edit = ui.button(text, icon="edit" if self._may_change else "visibility")
        edit.on_click(lambda: self._editor.open(persona))
        edit.props("outline no-caps aria-haspopup=dialog").props["aria-label"] = f"{text}: {persona.name}"
        if not self._may_change:
            return
        if not row.is_default:
            default = ui.button(t("persona.make_default"), on_click=lambda: self._default(persona))
            default.props("flat no-caps").props["aria-label"] = f"{t('persona.make_default')}: {persona.name}"
        with html.div().classes("llm-corner"):
            if persona.id in seed_persona_ids():
                reset = ui.button(icon="restart_alt", on_click=lambda: self._editor.reset(persona))
                reset.props("flat round dense aria-haspopup=dialog").props["aria-label"] = t(
                    "persona.reset_of", name=persona.name
                )
            remove = ui.button(
                icon="delete_outline", on_click=lambda: remove_persona(self._panel, persona, self.refresh)
            )
            remove.props("flat round dense aria-haspopup=dialog").props["aria-label"] = (
                f"{t('common.delete')}: {persona.name}"
            )

    async def _default(self, persona: Persona) -> None:
        async def choose() -> None:
            username = self._panel.require_change(AdminResource.PROMPTS)
            await self._panel.services.office.settings.update_fields({"default_persona": persona.id}, username)

        await attempt(self._panel, choose, self._panel.t("persona.default_chosen", name=persona.name))
        await self.refresh()
