"""In how many programs the newest settings are in force."""

from datetime import UTC, datetime

from nicegui import html, ui

from deployments.administration.snapshots.subscribers import snapshot_subscribers
from ui.components.page_parts import pill
from ui.components.section import RedrawnSection
from ui.components.visible_timer import refresh_while_visible
from ui.context import PanelContext

Programs = tuple[tuple[str, bool], ...]
"""Name of each program, and whether it has the newest settings."""


def draw_rollout(panel: PanelContext) -> None:
    """A line that stays current, and the list of the programs behind it."""
    section: RedrawnSection[Programs] = RedrawnSection(html.div(), lambda programs: _draw(panel, programs))

    def refresh() -> None:
        section.show(_read(panel))

    refresh()
    refresh_while_visible(panel, refresh)


def _read(panel: PanelContext) -> Programs:
    newest = panel.services.publisher.current.revision
    found = snapshot_subscribers(
        panel.services.reports.doors(), panel.services.publisher.subscribers(), datetime.now(UTC)
    )
    return tuple((each.name, each.revision >= newest) for each in found)


def _draw(panel: PanelContext, programs: Programs) -> None:
    t = panel.t
    current = sum(has_newest for _, has_newest in programs)
    if not programs:
        text = t("settings.no_programs")
    elif current == len(programs):
        text = t.count("settings.in_force_all", current)
    else:
        text = t("settings.in_force", current=current, total=len(programs))
    complete = bool(programs) and current == len(programs)
    icon, names = "check_circle" if complete else "sync", t("settings.programs")
    with (
        ui.expansion(text, icon=icon).classes("settings-rollout").props("dense"),
        html.ul().classes("settings-programs").props(f'aria-label="{names}"'),
    ):
        for name, has_newest in programs:
            with html.li():
                html.span(name)
                state = t("settings.program_current" if has_newest else "settings.program_behind")
                pill(state, "good" if has_newest else "warn")
