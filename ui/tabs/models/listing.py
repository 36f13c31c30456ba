"""The models of the catalogue and of the disk, with a filter in the address."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from nicegui import html, ui

from deployments.administration.models.views import ModelView
from ui.components.page_parts import show_search_icon
from ui.components.section import KeyedList, RedrawnSection, draw_empty_state, draw_skeleton
from ui.components.text_fields import TextInput
from ui.context import PanelContext
from ui.tabs.models.actions import ModelActions
from ui.tabs.models.machine_fit import MachineFit
from ui.tabs.models.rows import ModelRow, draw_row, model_about
from ui.url_state import UrlState

_KINDS = {
    "": "common.all",
    "chat": "models.kind_chat",
    "speech": "models.kind_speech",
    "recognition": "models.kind_recognition",
    "other": "models.kind_other",
}
_PLACES = {"": "common.all", "here": "models.installed", "catalogue": "models.not_installed"}


class ModelListing:
    """``on_change`` is awaited after a model was deleted or a download has begun."""

    def __init__(self, panel: PanelContext, on_change: Callable[[], Awaitable[None]]) -> None:
        self._panel = panel
        self._url = UrlState(panel)
        self._models: Sequence[ModelView] = ()
        self._free = 0
        self._fits: Mapping[str, MachineFit] = {}
        self._actions = ModelActions(panel, on_change)
        t = panel.t
        with html.section().classes("models-listing"):
            html.h2(t("models.list"))
            self._build_filter()
            rows = html.div().classes("rows").props("role=list")
            rows.props["aria-label"] = t("models.list")
            note = html.div()
        with note:
            draw_skeleton(6)
        self._rows: KeyedList[ModelRow] = KeyedList(rows, lambda row: draw_row(row, self._actions, panel))
        self._note: RedrawnSection[bool] = RedrawnSection(note, self._draw_note)

    def show(self, models: Sequence[ModelView], free: int) -> None:
        """``free`` bytes are left on the disk."""
        self._models, self._free = models, free
        self._redraw()

    def show_fits(self, fits: Mapping[str, MachineFit]) -> None:
        """Which language models fit the memory, by id."""
        self._fits = fits
        self._redraw()

    def _redraw(self) -> None:
        found = [each for each in self._models if self._matches(each)]
        found.sort(key=lambda each: not (each.installed or each.unfinished_bytes))
        rows = [ModelRow(each, self._fits.get(each.id), self._lacking(each)) for each in found]
        self._rows.show(rows)
        self._note.show(not rows)

    def _lacking(self, model: ModelView) -> int:
        """Bytes that the disk lacks for a download."""
        return 0 if model.installed else max(0, model.size - model.unfinished_bytes - self._free)

    def _matches(self, model: ModelView) -> bool:
        kind, place, words = self._url.get("kind"), self._url.get("place"), self._url.get("q").casefold().split()
        about = f"{model.description} {model_about(model, self._panel.t)}"
        text = f"{model.id} {about} {model.licence} {' '.join(model.languages)}".casefold()
        here = model.installed or model.unfinished_bytes > 0 or not model.in_catalogue
        return (
            kind in ("", model.kind)
            and (place == "" or here == (place == "here"))
            and all(word in text for word in words)
        )

    def _build_filter(self) -> None:
        t = self._panel.t

        def apply(name: str, value: str | None) -> None:
            self._url.set(**{name: value or None})
            self._redraw()

        with html.div().classes("models-filter"):
            search = TextInput(t("common.search"), value=self._url.get("q"), on_change=lambda e: apply("q", e.value))
            search.props("outlined dense clearable debounce=200").classes("models-search")
            show_search_icon(search)
            for name, options, label in (("kind", _KINDS, "models.kind"), ("place", _PLACES, "models.place")):
                chosen = self._url.get(name) if self._url.get(name) in options else ""
                select = ui.select(
                    {value: t(key) for value, key in options.items()},
                    value=chosen,
                    label=t(label),
                    on_change=lambda e, name=name: apply(name, e.value),
                )
                select.props("outlined dense").classes("models-select")

    def _draw_note(self, empty: bool) -> None:
        t = self._panel.t
        if empty:
            draw_empty_state("search_off", t("models.nothing_found"), t("models.nothing_found_hint"))
