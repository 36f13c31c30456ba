"""The chains: several models under one name, drawn in the order in which they are asked."""

from collections.abc import Sequence
from dataclasses import dataclass

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.contracts.errors import SecretaryError
from deployments.contracts.providers import RouteChain
from ui.components.page_parts import curl_line, pill, read_only_note
from ui.components.section import KeyedList, RedrawnSection, draw_empty_state, draw_skeleton
from ui.context import PanelContext
from ui.formatting import format_duration
from ui.tabs.llm.chain_editor import ChainEditor
from ui.tabs.llm.default_route import choose_default
from ui.tabs.llm.removal import remove_chain
from ui.tabs.llm.route_titles import RouteTitle, describe_route


@dataclass(frozen=True, slots=True)
class ChainRow:
    chain: RouteChain
    steps: tuple[RouteTitle, ...]
    is_default: bool


class ChainSection:
    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._may_change = panel.can_change(AdminResource.PROMPTS)
        self._editor = ChainEditor(panel, self.refresh)
        t = panel.t
        read_only_note(panel, AdminResource.PROMPTS)
        with html.div().classes("llm-head"):
            html.p(t("chain.lead")).classes("muted")
            if self._may_change:
                ui.button(t("chain.add"), icon="add", on_click=lambda: self._editor.open()).props(
                    "unelevated no-caps aria-haspopup=dialog"
                )
        self._container = html.div().classes("rows")
        note = html.div()
        with note:
            draw_skeleton(3)
        self._rows: KeyedList[ChainRow] = KeyedList(self._container, self._draw_row)
        self._note: RedrawnSection[bool] = RedrawnSection(note, self._draw_note)
        curl_line(panel, "GET", "/llm/routes")

    async def refresh(self) -> None:
        try:
            self._panel.require_read(AdminResource.PROMPTS)
            chains = await self._panel.services.office.chains.list()
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        if self._container.is_deleted:
            return
        snapshot, t = self._panel.services.publisher.current, self._panel.t
        rows = [
            ChainRow(
                chain,
                tuple(describe_route(route, snapshot, t) for route in chain.routes),
                snapshot.settings.default_route == f"chain:{chain.name}",
            )
            for chain in chains
        ]
        self._rows.show(rows)
        self._note.show(not rows)

    def _draw_row(self, row: ChainRow) -> ui.element:
        chain, t = row.chain, self._panel.t
        with html.article().classes("card llm-chain") as article:
            article.props["data-chain"] = chain.name
            with html.header().classes("card-header"):
                html.h2(chain.name)
                with html.div().classes("row-line"):
                    if row.is_default:
                        html.span(t("llm.answers_by_default")).classes("tag")
                    pill(t("provider.on" if chain.enabled else "provider.off"), "good" if chain.enabled else "warn")
            draw_steps(row.steps, t("chain.steps_of", name=chain.name))
            for text in (chain.description, self._describe(chain)):
                if text:
                    html.p(text).classes("muted")
            if self._may_change:
                self._draw_actions(row)
        element: ui.element = article
        return element

    def _describe(self, chain: RouteChain) -> str:
        t = self._panel.t
        parts = [t("chain.continues") if chain.continue_cut_answers else t("chain.fails")]
        if chain.step_timeout_s is not None:
            parts.append(t("chain.waits", time=format_duration(chain.step_timeout_s * 1_000, t)))
        if chain.hedge_after_ms is not None:
            parts.append(t("chain.hedges", time=format_duration(chain.hedge_after_ms, t)))
        return " ".join(parts)

    def _draw_actions(self, row: ChainRow) -> None:
        chain, t = row.chain, self._panel.t
        with html.div().classes("llm-actions"):
            edit = ui.button(t("common.edit"), icon="edit", on_click=lambda: self._editor.open(chain))
            edit.props("outline no-caps aria-haspopup=dialog").props["aria-label"] = f"{t('common.edit')}: {chain.name}"
            if chain.enabled and not row.is_default:
                default = ui.button(t("llm.make_default"), on_click=lambda: self._default(chain))
                default.props("flat no-caps").props["aria-label"] = f"{t('llm.make_default')}: {chain.name}"
            with html.div().classes("llm-corner"):
                remove = ui.button(
                    icon="delete_outline", on_click=lambda: remove_chain(self._panel, chain, self.refresh)
                )
                remove.props("flat round dense aria-haspopup=dialog").props["aria-label"] = (
                    f"{t('common.delete')}: {chain.name}"
                )

    async def _default(self, chain: RouteChain) -> None:
        await choose_default(self._panel, f"chain:{chain.name}")
        await self.refresh()

    def _draw_note(self, empty: bool) -> None:
        t = self._panel.t
        if empty:
            draw_empty_state("link", t("chain.empty"), t("chain.empty_hint"))


def draw_steps(steps: Sequence[RouteTitle], label: str) -> None:
    """The models in their order, with arrows between them."""
    with html.ol().classes("llm-steps") as row:
        row.props["aria-label"] = label
        for step in steps:
            with html.li().classes("llm-step" if step.known else "llm-step llm-step-off"):
                ui.icon(step.icon).props("aria-hidden=true")
                with html.div().classes("llm-step-text"):
                    html.span(step.title)
                    if step.detail:
                        html.span(step.detail).classes("llm-step-detail")
