"""A form that changes some fields of a stored bot or widget and saves only those."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.office.spec_administration import NamedSpecAdministration
from deployments.contracts.errors import Conflict, InvalidRequest, SecretaryError
from deployments.contracts.identity import Role
from ui.components.conflict_notice import ConflictNotice, FormFields
from ui.context import PanelContext


class StoredSpec(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def version(self) -> int: ...


SpecT = TypeVar("SpecT", bound=Any)


class OpenedSpec(Generic[SpecT]):
    """What the forms of a page edit. All of them save over the version that was read or saved last, so that a change
    by somebody else is noticed. ``allow`` may refuse changes to a role."""

    def __init__(
        self,
        panel: PanelContext,
        resource: AdminResource,
        administration: NamedSpecAdministration[SpecT, Any],
        spec: SpecT,
        on_changed: Callable[[SpecT], Awaitable[None]],
        allow: Callable[[Role, Mapping[str, object], SpecT], None] = lambda role, changes, spec: None,
    ) -> None:
        self._panel = panel
        self.resource = resource
        self._administration = administration
        self.spec = spec
        self._on_changed = on_changed
        self._allow = allow

    async def read(self) -> None:
        """Reads the newest version. Raises NotFound."""
        self._panel.require_read(self.resource)
        self.spec = await self._administration.get(self.spec.id)

    async def change(self, changes: Mapping[str, object]) -> None:
        """Raises Forbidden, Conflict, InvalidRequest."""
        username = self._panel.require_change(self.resource)
        self._allow(self._panel.session.role, changes, self.spec)
        self.spec = await self._administration.change(self.spec.id, changes, username, self.spec.version)
        await self._on_changed(self.spec)


class SpecForm:
    """Draws the notice of a conflict and the button that saves, below ``fields``. ``to_values`` makes the values of the
    fields from the stored spec, ``to_changes`` the changes from the values. ``problem`` words a refusal of a field."""

    def __init__(
        self,
        panel: PanelContext,
        opened: OpenedSpec[Any],
        fields: FormFields,
        to_values: Callable[[Any], dict[str, Any]],
        to_changes: Callable[[dict[str, Any]], dict[str, object]] = dict,
        problem: Callable[[str], str] | None = None,
        saved: str = "",
    ) -> None:
        self._panel = panel
        self._opened = opened
        self._fields = fields
        self._to_values = to_values
        self._to_changes = to_changes
        self._problem = problem or (lambda name: panel.t("common.bad_value"))
        self._saved = saved or panel.t("common.saved")
        self._conflict = ConflictNotice(panel, fields, self._load, self.save)
        with html.div().classes("form-actions"):
            self._button = ui.button(panel.t("common.save"), on_click=self.save).props("unelevated no-caps")
        if not panel.can_change(opened.resource):
            self._button.set_visibility(False)
            fields.disable()
        fields.fill(to_values(opened.spec))

    async def save(self) -> bool:
        """Returns whether it was saved."""
        self._fields.clear_problems()
        try:
            await self._opened.change(self._to_changes(self._fields.values()))
        except Conflict as error:
            if error.param == "version":
                await self._conflict.show()
            else:
                self._show_refusal(error)
        except SecretaryError as error:
            self._show_refusal(error)
        else:
            self._conflict.hide()
            self._fields.fill(self._to_values(self._opened.spec))
            self._panel.toast(self._saved)
            return True
        return False

    def _show_refusal(self, error: SecretaryError) -> None:
        name = (error.param or "").partition("[")[0].partition(".")[0]
        if not isinstance(error, InvalidRequest | Conflict) or not self._fields.mark(name, self._problem(name)):
            self._panel.toast_error(error)

    async def _load(self) -> dict[str, Any]:
        await self._opened.read()
        return self._to_values(self._opened.spec)
