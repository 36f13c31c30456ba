"""The filter of the FAQ list. Its state is in the address of the page."""

from collections.abc import Awaitable, Callable

from nicegui import html, ui

from deployments.administration.faq.service import FaqPage
from ui.components.page_parts import show_search_icon
from ui.components.text_fields import TextInput
from ui.context import PanelContext
from ui.translations import LANGUAGES
from ui.url_state import UrlState

PAGE_SIZE = 20
SEARCH_DEBOUNCE_S = 0.25
_SHOWN = {
    "": "faq.show_all",
    "used": "faq.show_used",
    "unused": "faq.show_unused",
    "off": "faq.show_off",
}


class FaqFilterBar:
    """``on_change`` is awaited after a change of the filter."""

    def __init__(self, panel: PanelContext, url: UrlState, on_change: Callable[[], Awaitable[None]]) -> None:
        self._panel = panel
        self._url = url
        self._on_change = on_change
        t = panel.t
        with html.div().classes("filter"):
            search = TextInput(
                placeholder=t("faq.search"), value=url.get("q"), on_change=lambda e: self._set(q=e.value or "")
            )
            search.props(
                f'outlined dense clearable debounce={int(SEARCH_DEBOUNCE_S * 1000)} aria-label="{t("faq.search")}"'
            )
            search.classes("filter-search")
            show_search_icon(search)
            shown = ui.select(
                {name: t(key) for name, key in _SHOWN.items()},
                value=self._shown,
                on_change=lambda e: self._set(show=e.value),
            )
            shown.props("outlined dense options-dense").classes("filter-shown")
            shown.props["aria-label"] = t("faq.show")
            languages = {"": t("faq.all_languages")} | {code: code.upper() for code in LANGUAGES}
            toggle = ui.toggle(languages, value=self._language or "", on_change=lambda e: self._set(lang=e.value))
            toggle.props(f'unelevated dense no-caps aria-label="{t("faq.language")}"').classes("filter-language")

    @property
    def page(self) -> int:
        return self._url.number("page", 1, least=1)

    @property
    def is_set(self) -> bool:
        return bool(self._url.get("q") or self._language or self._shown)

    @property
    def _language(self) -> str | None:
        language = self._url.get("lang")
        return language if language in LANGUAGES else None

    @property
    def _shown(self) -> str:
        shown = self._url.get("show")
        return shown if shown in _SHOWN else ""

    def go_to(self, page: int) -> None:
        self._url.set(page=page if page > 1 else None)

    async def read(self) -> FaqPage:
        """The page of the filter. Raises SecretaryError."""
        shown = self._shown
        return await self._panel.faq.list(
            *(self._url.get("q"), self._language, PAGE_SIZE, (self.page - 1) * PAGE_SIZE),
            enabled=False if shown == "off" else None,
            used={"used": True, "unused": False}.get(shown),
            order="hits" if shown == "used" else "changed",
        )

    async def _set(self, **values: str) -> None:
        self._url.set(**values, page=None)
        await self._on_change()
