"""The card of one cloud provider."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.contracts.provider_kinds import PROVIDER_KINDS
from deployments.contracts.providers import ProviderSpec
from ui.components.page_parts import Tone, attempt, fact, pill
from ui.context import PanelContext
from ui.formatting import format_number
from ui.tabs.llm.default_route import choose_default
from ui.tabs.llm.provider_editor import ProviderEditor
from ui.tabs.llm.provider_test import ProviderTestLine
from ui.tabs.llm.proxies import open_proxies
from ui.tabs.llm.removal import remove_provider

Refresh = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """``several_of_kind``: the alias ``gemini`` needs a main one."""

    spec: ProviderSpec
    is_default: bool
    links: int
    several_of_kind: bool = False


def draw_provider(
    row: ProviderRow,
    panel: PanelContext,
    editor: ProviderEditor,
    refresh: Refresh,
    on_answered: Refresh | None = None,
) -> ui.element:
    spec, t = row.spec, panel.t
    with html.article().classes("card llm-provider") as article:
        article.props["data-provider"] = spec.id
        with html.header().classes("card-header"):
            html.h2(spec.name)
            with html.div().classes("row-line"):
                if row.is_default:
                    html.span(t("llm.answers_by_default")).classes("tag")
                text, tone = _state(spec)
                pill(t(text), tone)
        _facts(row, panel)
        if spec.description:
            html.p(spec.description).classes("muted")
        if panel.can_change(AdminResource.PROVIDERS):
            line = ProviderTestLine(panel, spec.id, refresh, on_answered)
            _buttons(row, panel, editor, refresh, line)
        elif row.links:
            _proxies_button(row, panel)
    element: ui.element = article
    return element


def _state(spec: ProviderSpec) -> tuple[str, Tone]:
    if not spec.enabled:
        return "provider.off", "warn"
    kind = PROVIDER_KINDS.get(spec.provider_type)
    if kind is not None and kind.requires_key and not spec.sealed_api_key:
        return "provider.no_key", "bad"
    return "provider.on", "good"


def _facts(row: ProviderRow, panel: PanelContext) -> None:
    spec, t = row.spec, panel.t
    kind = PROVIDER_KINDS.get(spec.provider_type)
    with html.dl().classes("llm-facts"):
        fact(t("provider.kind"), kind.title if kind else spec.provider_type)
        fact(t("provider.model"), spec.model_name)
        fact(t("provider.key"), spec.key_hint or t("provider.key_none"))
        if spec.languages:
            fact(t("llm.languages"), ", ".join(each.upper() for each in spec.languages))
        if spec.base_url:
            fact(t("provider.address"), spec.base_url)
        if spec.budget_per_day:
            fact(t("provider.budget"), t("provider.dollars", value=format_number(spec.budget_per_day, 2, t)))


def _buttons(
    row: ProviderRow, panel: PanelContext, editor: ProviderEditor, refresh: Refresh, line: ProviderTestLine
) -> None:
    spec, t = row.spec, panel.t
    with html.div().classes("llm-actions"):
        test = ui.button(t("provider.test"), icon="play_arrow", on_click=line.run).props("outline no-caps")
        test.props["aria-label"] = f"{t('provider.test')}: {spec.name}"
        _proxies_button(row, panel)
        if spec.enabled and not row.is_default:
            default = ui.button(t("llm.make_default"), on_click=lambda: _default(panel, spec, refresh))
            default.props("flat no-caps").props["aria-label"] = f"{t('llm.make_default')}: {spec.name}"
        with html.div().classes("llm-corner"):
            switch = ui.switch(value=spec.enabled, on_change=lambda e: _enable(panel, spec, bool(e.value), refresh))
            switch.props["aria-label"] = t("provider.enabled_of", name=spec.name)
            _icon("edit", f"{t('common.edit')}: {spec.name}", lambda: editor.open(spec))
            _icon("delete_outline", f"{t('common.delete')}: {spec.name}", lambda: remove_provider(panel, spec, refresh))
    if row.several_of_kind:
        if spec.is_default:
            html.p(t("provider.main_gemini")).classes("muted")
        else:
            main = ui.button(t("provider.make_main"), on_click=lambda: _main(panel, spec, refresh))
            main.props("flat dense no-caps")


def _proxies_button(row: ProviderRow, panel: PanelContext) -> None:
    t = panel.t
    text = t.count("provider.proxies", row.links) if row.links else t("provider.no_proxies")
    button = ui.button(text, icon="vpn_lock", on_click=lambda: open_proxies(panel, row.spec.id)).props(
        "flat no-caps aria-haspopup=dialog"
    )
    button.props["aria-label"] = f"{text}: {row.spec.name}"


def _icon(icon: str, label: str, act: Callable[[], object]) -> None:
    button = ui.button(icon=icon, on_click=act).props("flat round dense aria-haspopup=dialog")
    button.props["aria-label"] = label


async def _default(panel: PanelContext, spec: ProviderSpec, refresh: Refresh) -> None:
    await choose_default(panel, f"cloud:{spec.id}")
    await refresh()


async def _enable(panel: PanelContext, spec: ProviderSpec, enabled: bool, refresh: Refresh) -> None:
    async def change() -> None:
        username = panel.require_change(AdminResource.PROVIDERS)
        await panel.services.office.providers.change(spec.id, {"enabled": enabled}, username, spec.version)

    await attempt(panel, change, panel.t("provider.switched_on" if enabled else "provider.switched_off"))
    await refresh()


async def _main(panel: PanelContext, spec: ProviderSpec, refresh: Refresh) -> None:
    async def choose() -> None:
        username = panel.require_change(AdminResource.PROVIDERS)
        await panel.services.office.providers.make_default(spec.id, username, spec.version)

    await attempt(panel, choose, panel.t("common.saved"))
    await refresh()
