"""How much of the disk models take, as a donut and in numbers."""

from collections.abc import Sequence

from nicegui import html, ui

from deployments.administration.models.views import ModelStorage, ModelView
from ui.byte_sizes import format_bytes
from ui.components.page_parts import card, fact
from ui.components.section import RedrawnSection
from ui.context import PanelContext

_MAX_SLICES = 6
_COLOURS = ("#0b7a72", "#4c9fd6", "#d98e2b", "#8a63c9", "#5c9c4f", "#c25b7a", "#7d8a86")
_FREE_COLOUR, _OTHER_COLOUR = "rgba(128,145,140,0.25)", "rgba(128,145,140,0.6)"

Slice = tuple[str, int, str]


class DiskCard:
    """Redrawn when sizes change."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        with card(panel.t("models.disk"), panel.t("models.disk_note")):
            self._section: RedrawnSection[tuple[tuple[Slice, ...], ModelStorage]] = RedrawnSection(
                html.div().classes("models-disk"), self._draw
            )

    def show(self, models: Sequence[ModelView], storage: ModelStorage) -> None:
        shown = storage.model_copy(update={"free": storage.free >> 24 << 24})  # the free space changes all the time
        self._section.show((self._slices(models, shown), shown))

    def _slices(self, models: Sequence[ModelView], storage: ModelStorage) -> tuple[Slice, ...]:
        t = self._panel.t
        sizes = [(each.id, (each.size if each.installed else 0) + each.unfinished_bytes) for each in models]
        largest = sorted((each for each in sizes if each[1]), key=lambda each: -each[1])
        slices = [(name, size, colour) for (name, size), colour in zip(largest[:_MAX_SLICES], _COLOURS, strict=False)]
        rest = storage.models - sum(size for _, size, _ in slices)
        if rest > 0:
            slices.append((t("models.disk_rest"), rest, _COLOURS[-1]))
        others = storage.total - storage.free - storage.models
        return (
            *slices,
            (t("models.disk_others"), max(0, others), _OTHER_COLOUR),
            (t("models.disk_free"), storage.free, _FREE_COLOUR),
        )

    def _draw(self, view: tuple[tuple[Slice, ...], ModelStorage]) -> None:
        slices, storage = view
        t = self._panel.t
        chart = ui.echart(self._options(slices), renderer="svg").classes("models-donut")
        chart.props["aria-label"] = t("models.disk")
        chart.props["role"] = "img"
        with html.div().classes("models-disk-text"):
            with html.dl().classes("facts models-facts"):
                fact(t("models.disk_models"), format_bytes(storage.models, t))
                fact(t("models.disk_free"), format_bytes(storage.free, t))
                fact(t("models.disk_total"), format_bytes(storage.total, t))
            with html.ul().classes("models-legend"):
                for name, size, colour in slices:
                    with html.li():
                        html.span().classes("models-dot").style(f"background: {colour}").props("aria-hidden=true")
                        html.span(name).classes("models-legend-name")
                        html.span(format_bytes(size, t)).classes("muted")

    def _options(self, slices: Sequence[Slice]) -> dict[str, object]:
        data = [
            {"name": name, "value": round(size / 2**20, 1), "itemStyle": {"color": colour}}
            for name, size, colour in slices
        ]
        series = {
            "type": "pie",
            "radius": ["62%", "96%"],
            "label": {"show": False},
            "emphasis": {"scale": False},
            "animation": False,
            "data": data,
        }
        return {"series": [series]}
