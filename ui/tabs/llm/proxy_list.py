"""The stored links of a provider: which is in use, how each did, their order, and tests with a result for each."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from nicegui import html, ui
from nicegui.events import SortableEventArguments

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.proxies.proxy_test import ProxyTestResult
from deployments.administration.proxies.service import OwnedProxies
from deployments.contracts.errors import SecretaryError
from deployments.contracts.proxies import ProxyLinkStatus, ProxyPoolStatus
from ui.components.confirmation_dialog import ask_confirmation
from ui.components.page_parts import attempt, icon_button, pill
from ui.components.progress_line import ProgressLine
from ui.components.section import RedrawnSection, draw_empty_state
from ui.context import PanelContext
from ui.formatting import format_duration, format_time_ago


@dataclass(frozen=True, slots=True)
class LinkRow:
    """``status`` is what the process that used the links last knows; None before the first use."""

    name: str
    kind: str
    host: str
    first: bool
    status: ProxyLinkStatus | None
    test: ProxyTestResult | None


class ProxyList:
    def __init__(self, panel: PanelContext, owner: str, on_change: Callable[[], Awaitable[None]]) -> None:
        self._panel = panel
        self._owner = owner
        self._on_change = on_change
        self._owned: OwnedProxies | None = None
        self._tests: dict[int, ProxyTestResult] = {}
        self._testing = False
        container = ui.column().classes("rows llm-link-list")
        if panel.can_change(AdminResource.PROVIDERS):
            container.make_sortable(handle=".llm-handle", on_end=self._dragged)
        self._rows: RedrawnSection[tuple[LinkRow, ...]] = RedrawnSection(container, self._draw)
        self._note: RedrawnSection[tuple[str, ...]] = RedrawnSection(html.div(), self._draw_note)
        self._progress = ProgressLine(panel)
        if panel.can_change(AdminResource.PROVIDERS):
            self._actions: RedrawnSection[bool] = RedrawnSection(html.div(), self._draw_actions)

    def show(self, owned: OwnedProxies | None) -> None:
        if owned is None or self._owned is None or owned.links != self._owned.links:
            self._tests = {}
        self._owned = owned
        self._rows.show(self._link_rows(owned) if owned else ())
        self._note.show(self._notes(owned) if owned else ())
        if self._panel.can_change(AdminResource.PROVIDERS):
            self._actions.show(owned is not None)

    def _link_rows(self, owned: OwnedProxies) -> tuple[LinkRow, ...]:
        pool = _newest(owned)
        return tuple(
            LinkRow(
                name=link.name,
                kind=link.kind,
                host=host,
                first=index == owned.spec.proxy_preferred,
                status=pool.links[index] if pool and index < len(pool.links) else None,
                test=self._tests.get(index),
            )
            for index, (link, host) in enumerate(zip(owned.links, owned.hosts, strict=True))
        )

    def _notes(self, owned: OwnedProxies) -> tuple[str, ...]:
        t, pool = self._panel.t, _newest(owned)
        if pool is None:
            return (t("proxy.not_used"),)
        notes = []
        if pool.switched_at:
            ago = format_time_ago(datetime.fromtimestamp(pool.switched_at, UTC), t)
            notes.append(t("proxy.switched", time=ago, reason=pool.switch_reason))
        if pool.core_error:
            notes.append(pool.core_error)
        if pool.direct_requests:
            notes.append(t.count("proxy.direct_requests", pool.direct_requests))
        return tuple(notes)

    def _draw(self, rows: tuple[LinkRow, ...]) -> None:
        t = self._panel.t
        if not rows:
            draw_empty_state("vpn_lock", t("proxy.empty"), t("proxy.empty_hint"))
        for index, row in enumerate(rows):
            self._draw_row(index, row, len(rows))

    def _draw_row(self, index: int, row: LinkRow, count: int) -> None:
        t = self._panel.t
        name = row.name or row.host
        with html.div().classes("llm-link").props(f"data-link={index}"):
            html.span(str(index + 1)).classes("llm-number llm-handle").props("aria-hidden=true")
            with html.div().classes("llm-option-text"):
                with html.div().classes("row-line"):
                    html.span(name).classes("models-name")
                    self._draw_state(row)
                html.div(f"{row.kind} · {row.host}").classes("muted")
                if row.test is not None:
                    self._draw_test(row.test)
                elif row.status is not None and row.status.error:
                    html.div(row.status.error).classes("llm-error")
            if self._panel.can_change(AdminResource.PROVIDERS):
                with html.div().classes("llm-corner"):
                    if index:
                        icon_button("arrow_upward", t("proxy.up", name=name), lambda: self._move(index, index - 1))
                    if index < count - 1:
                        icon_button("arrow_downward", t("proxy.down", name=name), lambda: self._move(index, index + 1))
                    icon_button(
                        "delete_outline", t("proxy.remove_of", name=name), lambda: self._remove(index, name)
                    ).props("aria-haspopup=dialog")

    def _draw_state(self, row: LinkRow) -> None:
        t, status = self._panel.t, row.status
        if status is not None and status.current:
            pill(t("proxy.in_use"), "good")
        elif status is None and row.first:
            pill(t("proxy.begins"), "plain")
        if status is not None and not status.working:
            pill(t("proxy.broken"), "bad")
        if status is not None and status.latency_ms is not None:
            html.span(format_duration(status.latency_ms, t)).classes("muted")

    def _draw_test(self, result: ProxyTestResult) -> None:
        t = self._panel.t
        if result.success:
            time = format_duration(result.latency_ms, t) if result.latency_ms is not None else ""
            html.div(t("proxy.test_good", time=time)).classes("llm-good").props("data-test=good")
        else:
            error = result.error or t("problem.unavailable")
            html.div(t("proxy.test_bad", error=error)).classes("llm-error").props("data-test=bad")

    def _draw_note(self, notes: tuple[str, ...]) -> None:
        for note in notes:
            html.p(note).classes("muted")

    def _draw_actions(self, has_links: bool) -> None:
        t = self._panel.t
        if has_links:
            with html.div().classes("llm-actions"):
                ui.button(t("proxy.test_all"), icon="network_check", on_click=self._test).props("outline no-caps")
                ui.button(t("proxy.next"), icon="skip_next", on_click=self._next).props("flat no-caps")
                ui.button(t("proxy.reset"), icon="restart_alt", on_click=self._reset).props("flat no-caps")

    async def _test(self) -> None:
        """Shows each result as it comes. A second click while a test is running does nothing."""
        panel, owned = self._panel, self._owned
        if owned is None or self._testing:
            return
        self._testing, self._tests = True, {}
        try:
            username = panel.require_change(AdminResource.PROVIDERS)
            await panel.services.office.proxies.admit_test(owned.links, username)
            self._progress.show(panel.t("proxy.testing", done=0, count=len(owned.links)), 0)
            async for result in panel.services.test_proxy(owned.links, owned.probe_url):
                self._tests[result.proxy_index] = result
                done = len(self._tests)
                text = panel.t("proxy.testing", done=done, count=len(owned.links))
                self._progress.show(text, done / len(owned.links))
                self._rows.show(self._link_rows(owned))
        except SecretaryError as error:
            panel.toast_error(error)
        finally:
            self._testing = False
            self._progress.hide()

    async def _dragged(self, event: SortableEventArguments) -> None:
        if event.old_index != event.new_index:
            self._rows.show(())  # the browser has moved the row already
            await self._move(event.old_index, event.new_index)

    async def _move(self, index: int, to: int) -> None:
        async def move() -> None:
            owned = self._owned
            if owned is not None:
                order = list(range(len(owned.links)))
                order.insert(to, order.pop(index))
                username = self._panel.require_change(AdminResource.PROVIDERS)
                await self._panel.services.office.proxies.reorder(self._owner, order, username, owned.spec.version)

        await attempt(self._panel, move)
        await self._on_change()

    async def _remove(self, index: int, name: str) -> None:
        t = self._panel.t
        title = t("proxy.remove_title", name=name)
        last = self._owned is not None and len(self._owned.links) == 1
        text = t("proxy.remove_last_text" if last else "proxy.remove_text")
        if not await ask_confirmation(self._panel.client, title, text, t("common.delete"), t("common.cancel")):
            return

        async def remove() -> None:
            if self._owned is not None:
                username = self._panel.require_change(AdminResource.PROVIDERS)
                proxies = self._panel.services.office.proxies
                await proxies.remove(self._owner, index, username, self._owned.spec.version)

        await attempt(self._panel, remove)
        await self._on_change()

    async def _next(self) -> None:
        async def switch() -> None:
            username = self._panel.require_change(AdminResource.PROVIDERS)
            await self._panel.services.office.proxies.switch_next(self._owner, username)

        await attempt(self._panel, switch, self._panel.t("proxy.next_done"))
        await self._on_change()

    async def _reset(self) -> None:
        async def reset() -> None:
            username = self._panel.require_change(AdminResource.PROVIDERS)
            await self._panel.services.office.proxies.reset(self._owner, username)

        await attempt(self._panel, reset, self._panel.t("proxy.reset_done"))
        await self._on_change()


def _newest(owned: OwnedProxies) -> ProxyPoolStatus | None:
    """The state in the process that switched last."""
    pools = [pool for _, pool in owned.doors]
    return max(pools, key=lambda pool: pool.switched_at or 0, default=None)
