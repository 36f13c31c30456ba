"""The field in which proxy links are pasted: every line is checked as it is typed, and nothing is shown afterwards."""

from collections.abc import Awaitable, Callable

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.proxies.links import CheckedLine, check_text
from deployments.contracts.errors import InvalidRequest
from ui.components.confirmation_dialog import ask_confirmation
from ui.components.page_parts import attempt
from ui.components.text_fields import TextArea
from ui.context import PanelContext

_MAX_CHARACTERS = 200_000


class LinkEntry:
    """``on_saved`` is awaited after the links were stored."""

    def __init__(self, panel: PanelContext, provider_id: str, on_saved: Callable[[], Awaitable[None]]) -> None:
        self._panel = panel
        self._id = provider_id
        self._on_saved = on_saved
        t = panel.t
        self._text = TextArea(t("proxy.paste"), on_change=self._check)
        self._text.props(
            f"outlined autogrow debounce=250 spellcheck=false autocomplete=off maxlength={_MAX_CHARACTERS}"
        )
        self._text.props["hint"] = t("proxy.paste_hint")
        self._text.classes("llm-links")
        self._lines = html.div().classes("llm-link-lines").props("aria-live=polite")
        with html.div().classes("llm-actions"):
            self._add = ui.button(t("proxy.add"), on_click=self._add_links).props("unelevated no-caps")
            self._replace = ui.button(t("proxy.replace"), on_click=self._replace_links).props(
                "outline no-caps aria-haspopup=dialog"
            )
        self._check()

    def _check(self) -> None:
        text = self._text.value or ""
        lines: tuple[CheckedLine, ...] = ()
        problem = ""
        try:
            lines = check_text(text)
        except InvalidRequest as error:
            problem = error.message
        good = bool(lines) and not problem and all(line.valid for line in lines)
        self._add.set_enabled(good)
        self._replace.set_enabled(good)
        self._lines.clear()
        with self._lines:
            if problem:
                html.p(problem).classes("llm-error")
            for line in lines:
                self._draw_line(line)

    def _draw_line(self, line: CheckedLine) -> None:
        t = self._panel.t
        with html.div().classes("llm-link-line").props(f"data-valid={'true' if line.valid else 'false'}"):
            ui.icon("check_circle" if line.valid else "error_outline").props("aria-hidden=true")
            if line.valid:
                html.span(t("proxy.line_good", line=line.line, name=line.name or line.host, kind=line.kind))
            else:
                html.span(t("proxy.line_bad", line=line.line, error=line.error))

    async def _add_links(self) -> None:
        await self._save(replace=False)

    async def _replace_links(self) -> None:
        t = self._panel.t
        if await ask_confirmation(
            self._panel.client, t("proxy.replace"), t("proxy.replace_text"), t("proxy.replace"), t("common.cancel")
        ):
            await self._save(replace=True)

    async def _save(self, *, replace: bool) -> None:
        async def store() -> None:
            username = self._panel.require_change(AdminResource.PROVIDERS)
            office = self._panel.services.office
            spec = await office.providers.get(self._id)
            if replace or not spec.sealed_proxies:
                await office.providers.change(self._id, {"vless_urls": self._text.value}, username, spec.version)
            else:
                await office.proxies.add(f"cloud:{self._id}", self._text.value or "", username)

        if await attempt(self._panel, store, self._panel.t("proxy.saved")):
            self._text.value = ""
        await self._on_saved()
