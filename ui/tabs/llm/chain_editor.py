"""The dialog that creates or edits a chain."""

from collections.abc import Awaitable, Callable, Mapping

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.llm.chains import ChainDraft
from deployments.administration.office.drafts import apply_changes
from deployments.contracts.errors import Conflict, InvalidRequest, SecretaryError
from deployments.contracts.providers import RouteChain
from ui.components.text_fields import TextInput
from ui.context import PanelContext
from ui.tabs.llm.chain_steps import ChainSteps
from ui.tabs.llm.edit_conflict import EditConflict, Values
from ui.tabs.llm.route_titles import list_routes


class ChainEditor:
    """One dialog, built anew for every chain. ``on_saved`` is awaited after a change."""

    def __init__(self, panel: PanelContext, on_saved: Callable[[], Awaitable[None]]) -> None:
        self._panel = panel
        self._on_saved = on_saved
        self._chain: RouteChain | None = None
        t = panel.t
        self.labels: Mapping[str, str] = {
            "routes": t("chain.steps"),
            "continue_cut_answers": t("chain.continue"),
            "step_timeout_s": t("chain.step_timeout"),
            "hedge_after_ms": t("chain.hedge"),
            "description": t("provider.description"),
            "enabled": t("provider.enabled"),
        }
        with ui.dialog().props("persistent") as self._dialog:
            self._card = ui.card().classes("dialog llm-wide")

    async def open(self, chain: RouteChain | None = None) -> None:
        t = self._panel.t
        self._chain = chain
        routes = await list_routes(self._panel)
        if chain is not None:
            routes.pop(f"chain:{chain.name}", None)
        self._card.clear()
        with self._card:
            html.h2(t("chain.edit", name=chain.name) if chain else t("chain.add")).classes("dialog-title")
            self._name = TextInput(t("chain.name")).props("outlined dense maxlength=50").classes("dialog-field")
            self._name.props["hint"] = t("chain.name_hint")
            self._name.set_visibility(chain is None)
            self._steps = ChainSteps(self._panel, routes)
            self._continue = ui.switch(t("chain.continue"), value=True)
            with html.div().classes("llm-pair"):
                self._timeout = ui.number(t("chain.step_timeout"), min=0.1, max=600, suffix=t("chain.seconds"))
                self._hedge = ui.number(t("chain.hedge"), min=50, max=60_000, step=50, suffix=t("chain.milliseconds"))
            for field, hint in ((self._timeout, "chain.step_timeout_hint"), (self._hedge, "chain.hedge_hint")):
                field.props("outlined dense clearable").props["hint"] = t(hint)
            self._description = TextInput(t("provider.description")).props("outlined dense maxlength=2000")
            self._enabled = ui.switch(t("provider.enabled"), value=True)
            self._conflict = EditConflict(self._panel, self)
            with html.div().classes("dialog-actions"):
                ui.button(t("common.cancel"), on_click=self._dialog.close).props("flat no-caps")
                ui.button(t("common.save"), on_click=self.save).props("unelevated no-caps")
        if chain is not None:
            self.write(_values_of(chain))
        self._dialog.props["aria-label"] = t("llm.chains")
        self._dialog.open()

    def read(self) -> Values:
        return {
            "routes": self._steps.routes,
            "continue_cut_answers": bool(self._continue.value),
            "step_timeout_s": self._timeout.value,
            "hedge_after_ms": None if self._hedge.value is None else int(self._hedge.value),
            "description": self._description.value or "",
            "enabled": bool(self._enabled.value),
        }

    def write(self, values: Values) -> None:
        routes = values["routes"]
        self._steps.show(tuple(str(route) for route in routes) if isinstance(routes, tuple) else ())
        self._continue.value = bool(values["continue_cut_answers"])
        self._timeout.value = values["step_timeout_s"]
        self._hedge.value = values["hedge_after_ms"]
        self._description.value = str(values["description"])
        self._enabled.value = bool(values["enabled"])

    async def adopt_newest(self) -> Values:
        assert self._chain is not None
        self._chain = await self._panel.services.office.chains.get(self._chain.name)
        return _values_of(self._chain)

    async def save(self) -> None:
        panel, chains, t = self._panel, self._panel.services.office.chains, self._panel.t
        self._name.error = None
        if not self._steps.routes:
            self._steps.show_error(t("chain.no_steps"))
            return
        try:
            username = panel.require_change(AdminResource.PROMPTS)
            draft = apply_changes(ChainDraft, {}, self.read())
            if self._chain is None:
                name = (self._name.value or "").strip()
                if not _is_name(name):
                    self._name.error = t("chain.bad_name")
                    return
                await chains.create(name, draft, username)
            else:
                await chains.update(self._chain.name, draft, self._chain.version, username)
        except Conflict:
            if self._chain is None:
                self._name.error = t("chain.name_taken")
            else:
                await self._conflict.explain()
            return
        except InvalidRequest as error:
            contains_itself = "contains itself" in error.message
            self._steps.show_error(t("chain.circle") if contains_itself else error.message)
            return
        except SecretaryError as error:
            panel.toast_error(error)
            return
        self._dialog.close()
        panel.toast(t("chain.saved"))
        await self._on_saved()


def _is_name(text: str) -> bool:
    return 0 < len(text) <= 50 and all(each.isalnum() or each in "_-" for each in text)


def _values_of(chain: RouteChain) -> Values:
    return chain.model_dump(exclude={"name", "version"})
