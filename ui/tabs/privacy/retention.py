"""How long data is kept, in words, with the way to the settings."""

from nicegui import html

from ui.components.page_parts import card, fact
from ui.components.section import RedrawnSection
from ui.context import PanelContext
from ui.revisions import follow_changes

LIMITS = ("messages_days", "exchanges_days", "audio_days", "audit_days", "backups_days")


def draw_retention(panel: PanelContext) -> None:
    t = panel.t
    with card(t("privacy.retention_title")):
        html.p(t("privacy.retention_lead")).classes("muted")
        section: RedrawnSection[tuple[int, ...]] = RedrawnSection(html.div(), lambda days: _draw(panel, days))
        html.a(t("privacy.retention_link"), href=f"{panel.root_path}/settings?group=privacy").classes("text-link")

    async def refresh() -> None:
        settings = panel.services.publisher.current.settings.privacy
        section.show(tuple(getattr(settings, name) for name in LIMITS))

    settings = panel.services.publisher.current.settings.privacy
    section.show(tuple(getattr(settings, name) for name in LIMITS))
    follow_changes(panel, refresh)


def _draw(panel: PanelContext, days: tuple[int, ...]) -> None:
    t = panel.t
    with html.dl().classes("facts privacy-facts"):
        for name, count in zip(LIMITS, days, strict=True):
            fact(t(f"privacy.limit.{name}"), t.count("unit.days", count) if count else t("privacy.for_ever"))
