"""The drawer with the model, persona, voice and prompt of one conversation."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.contracts.chat import Overrides, Route
from deployments.contracts.errors import Conflict, SecretaryError
from deployments.contracts.local_models import local_engines
from deployments.contracts.sessions import StoredSession
from ui.components.conflict_choice import ConflictChoice, FieldVersions
from ui.components.text_fields import TextArea
from ui.context import PanelContext

_MAX_PROMPT_LENGTH = 50_000
_DEFAULT = ""


class SessionSettings:
    """One dialog for the page, filled for the open conversation. ``on_saved`` is awaited after a change."""

    def __init__(self, panel: PanelContext, on_saved: Callable[[], Awaitable[None]]) -> None:
        self._panel = panel
        self._on_saved = on_saved
        self._session: StoredSession | None = None
        self._newest: StoredSession | None = None
        self._mine = Overrides()
        self._names: dict[str, str] = {}
        """Names of models, personas and voices by id."""
        t = panel.t
        with ui.dialog().props("position=right full-height") as self._dialog, ui.card().classes("dialog chat-settings"):
            self._dialog.props["aria-label"] = t("chat.settings")
            with html.div().classes("dialog-row"):
                html.h2(t("chat.settings")).classes("dialog-title")
                close = ui.button(icon="close", on_click=self._dialog.close).props("flat round dense")
                close.props["aria-label"] = t("common.close")
            html.p(t("chat.settings_note")).classes("muted")
            self._conflict = ConflictChoice(panel, self._save_over, self._take_newest, lambda: self._fill(self._mine))
            self._route = _choice(t("chat.model"))
            self._persona = _choice(t("chat.persona"))
            self._voice = _choice(t("chat.voice"))
            self._prompt = TextArea(t("chat.prompt")).props(f"outlined autogrow maxlength={_MAX_PROMPT_LENGTH}")
            self._prompt.props["hint"] = t("chat.prompt_hint")
            with html.div().classes("dialog-actions"):
                ui.button(t("common.cancel"), on_click=self._dialog.close).props("flat no-caps")
                ui.button(t("common.save"), on_click=self._save).props("unelevated no-caps")

    async def open(self, session: StoredSession) -> None:
        self._session = session
        self._conflict.hide()
        await self._offer(session.overrides)
        self._fill(session.overrides)
        self._dialog.open()

    async def _offer(self, chosen: Overrides) -> None:
        """Fills the choices. A chosen value that no longer exists stays in its list."""
        t, services = self._panel.t, self._panel.services
        snapshot = services.publisher.current
        routes = {route: engine.model for route, engine in local_engines(await services.assistant.status()).items()}
        if self._panel.can_read(AdminResource.PROVIDERS):
            routes |= {f"cloud:{each.id}": each.name for each in snapshot.providers if each.enabled}
        routes |= {f"chain:{each.name}": t("chat.chain", name=each.name) for each in snapshot.chains if each.enabled}
        personas = {each.id: each.name for each in snapshot.personas}
        voices = {each.id: f"{each.name} · {', '.join(each.languages)}" for each in services.assistant.voices()}
        for field, options, value in (
            (self._route, routes, str(chosen.route or "")),
            (self._persona, personas, chosen.persona_id or ""),
            (self._voice, voices, chosen.voice_id or ""),
        ):
            kept = {value: t("chat.missing_choice", name=value)} if value and value not in options else {}
            field.set_options({_DEFAULT: t("chat.as_configured")} | options | kept)
            self._names |= options

    def _fill(self, overrides: Overrides) -> None:
        self._route.value = str(overrides.route or "")
        self._persona.value = overrides.persona_id or ""
        self._voice.value = overrides.voice_id or ""
        self._prompt.value = overrides.system_prompt or ""

    def _edited(self, before: Overrides) -> Overrides:
        """``before`` with the fields of the form. Raises ModelNotFound."""
        return replace(
            before,
            route=Route.parse(self._route.value),
            persona_id=self._persona.value or None,
            voice_id=self._voice.value or None,
            system_prompt=str(self._prompt.value or "").strip() or None,
        )

    async def _save(self) -> None:
        if self._session is not None:
            await self._store(self._session)

    async def _save_over(self) -> None:
        if self._newest is not None:
            await self._store(self._newest)

    async def _store(self, base: StoredSession) -> None:
        panel = self._panel
        try:
            self._mine = self._edited(base.overrides)
            panel.require_change(AdminResource.CONVERSATIONS)
            caller = panel.session.identity
            await panel.services.chats.change(caller, base.id, base.version, title=None, edit=self._edited)
        except Conflict:
            await self._offer_choice(base.id)
        except SecretaryError as error:
            panel.toast_error(error)
        else:
            self._dialog.close()
            panel.toast(panel.t("common.saved"))
            await self._on_saved()

    async def _offer_choice(self, session_id: str) -> None:
        t = self._panel.t
        try:
            self._newest = await self._panel.services.chats.get(self._panel.session.identity, session_id)
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        mine, theirs = self._texts(self._mine), self._texts(self._newest.overrides)
        names = (t("chat.model"), t("chat.persona"), t("chat.voice"), t("chat.prompt"))
        self._conflict.show([FieldVersions(*each) for each in zip(names, mine, theirs, strict=True)])

    def _texts(self, overrides: Overrides) -> tuple[str, str, str, str]:
        ids = (str(overrides.route or ""), overrides.persona_id or "", overrides.voice_id or "")
        model, persona, voice = (self._names.get(each, each) for each in ids)
        return model, persona, voice, overrides.system_prompt or ""

    def _take_newest(self) -> None:
        if self._newest is not None:
            self._session = self._newest
            self._fill(self._newest.overrides)


def _choice(label: str) -> ui.select:
    return ui.select({_DEFAULT: ""}, value=_DEFAULT, label=label).props("outlined options-dense")
