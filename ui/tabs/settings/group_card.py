"""One group of settings: its form, saving with a version check, and what to do when somebody else changed it."""

from collections.abc import Awaitable, Callable, Sequence

from nicegui import html, ui
from pydantic import BaseModel

from deployments.administration.auth.permissions import AdminResource
from deployments.contracts.errors import Conflict, InvalidRequest, SecretaryError
from deployments.contracts.settings import Settings
from ui.components.form_fields import FieldSpec, format_value
from ui.components.page_parts import card
from ui.components.schema_form import FormOptions, SchemaForm
from ui.context import PanelContext
from ui.tabs.settings.choices import Choices
from ui.tabs.settings.groups import (
    GENERAL,
    field_path,
    field_scope,
    field_text,
    group_fields,
    group_of,
    group_title,
    may_change,
)
from ui.tabs.settings.history import HistoryDialog


class GroupCard:
    """``refresh`` of the page is awaited after a save, so that the other groups know the new revision."""

    def __init__(
        self, panel: PanelContext, group: str, choices: Choices, refresh: Callable[[], Awaitable[None]]
    ) -> None:
        self.group = group
        self._panel = panel
        self._refresh = refresh
        snapshot = panel.services.publisher.current
        self._revision = snapshot.revision
        self._title = group_title(group, panel.t)
        self._history = HistoryDialog(panel) if panel.can_read(AdminResource.AUDIT) else None
        self._foot: html.div | None = None
        changeable = panel.can_change(AdminResource.SETTINGS)
        options = FormOptions(
            text=lambda spec: field_text(group, spec.name, panel.t),
            choices=choices.get(group),
            can_change=lambda name: changeable and may_change(group, name, panel.session.role),
            draw_below=self._draw_below,
            fields=group_fields(group),
            on_change=self._show_state,
        )
        scopes = {field_scope(group, name) for name in group_fields(group)}
        self._one_scope = len(scopes) == 1
        with card(self._title, panel.t(f"settings.scope.{scopes.pop()}") if self._one_scope else "") as self._card:
            self._card.props(f"id=settings-{group}").classes("settings-group")
            with html.div().classes("notice settings-conflict").props("role=alert") as self._conflict:
                self._conflict_text = html.div()
                with html.div().classes("row-line"):
                    ui.button(panel.t("settings.take_theirs"), on_click=self._take_theirs).props("flat dense no-caps")
                    ui.button(panel.t("settings.keep_mine"), on_click=self._keep_mine).props("flat dense no-caps")
            self._conflict.set_visibility(False)
            self._form: SchemaForm[BaseModel] = SchemaForm(panel, group_of(snapshot.settings, group), options)
            self._draw_foot()
        self._show_state()

    def update(self, settings: Settings, revision: int) -> bool:
        """Shows what is stored. Returns whether fields changed beside entered ones."""
        self._revision = revision
        theirs, before = group_of(settings, self.group), self._form.loaded
        changed = [name for name in self._form.names() if getattr(theirs, name) != getattr(before, name)]
        if not changed or not self._form.dirty:
            if changed or theirs != before:
                self._form.load(theirs)
            return False
        both = self._form.merge(theirs)
        if both:
            self._show_conflict(both)
        return not both and self._form.dirty

    def show_matching(self, words: Sequence[str]) -> bool:
        """Hides the fields whose texts lack one of ``words``, and the card when all do."""
        found = [name for name in self._form.names() if self._matches(name, words)]
        self._form.show_only(found)
        self._card.set_visibility(bool(found))
        return bool(found)

    def _matches(self, name: str, words: Sequence[str]) -> bool:
        text = self._form.text(name)
        searched = f"{self._title} {text.label} {text.about} {field_path(self.group, name)}".casefold()
        return all(word in searched for word in words)

    def _draw_below(self, spec: FieldSpec) -> None:
        panel, t = self._panel, self._panel.t
        with html.div().classes("settings-facts"):
            if not self._one_scope:
                html.span(t(f"settings.scope.{field_scope(self.group, spec.name)}"))
            if panel.can_change(AdminResource.SETTINGS) and not may_change(self.group, spec.name, panel.session.role):
                html.span(t("settings.admin_only")).classes("pill pill-plain")
            if self._history is not None:
                history, path = self._history, field_path(self.group, spec.name)
                label = field_text(self.group, spec.name, t).label
                button = ui.button(t("settings.history"), on_click=lambda: history.open(path, label))
                button.props("flat dense no-caps aria-haspopup=dialog")
                button.props["aria-label"] = t("settings.history_of", name=label)

    def _draw_foot(self) -> None:
        t = self._panel.t
        with html.div().classes("settings-foot").props("role=status") as self._foot:
            self._count = ui.label()
            with html.div().classes("row-line"):
                ui.button(t("settings.discard"), on_click=self._take_theirs).props("flat no-caps")
                save = ui.button(t("common.save"), icon="check", on_click=self._save).props("unelevated no-caps")
                save.props["aria-label"] = t("settings.save_group", name=self._title)

    def _show_state(self) -> None:
        if self._foot is None:
            return
        changes = len(self._form.changes())
        self._count.text = self._panel.t.count("settings.unsaved", changes)
        self._foot.set_visibility(bool(changes) and not self._conflict.visible)

    def _show_conflict(self, names: tuple[str, ...]) -> None:
        t, mine = self._panel.t, self._form.changes()
        self._conflict_text.clear()
        with self._conflict_text:
            html.p(t("settings.conflict"))
            with html.ul():
                for name in names:
                    theirs = format_value(getattr(self._form.loaded, name), t)
                    label = self._form.text(name).label
                    html.li(t("settings.conflict_theirs", name=label, theirs=theirs, mine=format_value(mine[name], t)))
        self._conflict.set_visibility(True)
        self._show_state()

    def _take_theirs(self) -> None:
        self._conflict.set_visibility(False)
        self._form.discard()

    def _keep_mine(self) -> None:
        self._conflict.set_visibility(False)
        self._show_state()

    async def _save(self) -> None:
        panel = self._panel
        if self._form.validated() is None:
            return
        group = None if self.group == GENERAL else self.group
        try:
            by = panel.require_change(AdminResource.SETTINGS)
            stored = await panel.services.office.settings.update_fields(
                self._form.changes(), by, group, self._revision, role=panel.session.role
            )
        except Conflict:
            await self._refresh()
            if not self._conflict.visible:
                panel.toast(panel.t("problem.conflict"), "warning")
        except InvalidRequest as error:
            self._explain(error)
        except SecretaryError as error:
            panel.toast_error(error)
        else:
            self._form.load(group_of(stored.settings, self.group))
            panel.toast(panel.t("settings.saved"))
            await self._refresh()

    def _explain(self, error: InvalidRequest) -> None:
        reason = self._panel.t("settings.refused", reason=error.message)
        name = (error.param or "").removeprefix(f"{self.group}.").partition("[")[0]
        if not self._form.show_problem(name, reason):
            self._panel.toast(reason, "negative")
