"""The way back to the first steps, while some are left."""

from nicegui import html

from deployments.administration.office.start_guide import START_STEPS, StartProgress
from ui.context import PanelContext


def draw_banner(panel: PanelContext, progress: StartProgress) -> None:
    if progress.is_finished:
        return
    t = panel.t
    with html.section().classes("card start-banner"):
        html.span(t("start.to_start", done=progress.done_count, all=len(START_STEPS)))
        html.a(t("start.go_on"), href=f"{panel.root_path}/start").classes("text-link")
