"""What happened today: conversations by channel and what answered, compared with yesterday."""

from dataclasses import dataclass
from datetime import timedelta

from nicegui import html

from deployments.administration.usage.activity import AnsweredBy, ChannelActivity, DayActivity
from ui.components.section import draw_empty_state
from ui.context import PanelContext

_KINDS = ((AnsweredBy.FAQ, "home.by_faq"), (AnsweredBy.MODEL, "home.by_model"), (AnsweredBy.NOBODY, "home.by_nobody"))


@dataclass(frozen=True, slots=True)
class TodayView:
    today: DayActivity
    yesterday: DayActivity


async def read_today(panel: PanelContext) -> TodayView:
    activity = panel.services.office.activity
    today = activity.today
    return TodayView(await activity.day(today), await activity.day(today - timedelta(days=1)))


def draw_today(panel: PanelContext, view: TodayView) -> None:
    t, today, yesterday = panel.t, view.today, view.yesterday
    with html.header().classes("card-header"):
        html.h2(t("home.today"))
        html.span(t("home.compared")).classes("card-note")
    with html.dl().classes("home-figures"):
        _figure(panel, t("home.conversations"), today.conversations, yesterday.conversations, "period=today")
        for kind, name in _KINDS:
            _figure(panel, t(name), today.answered(kind), yesterday.answered(kind), f"period=today&by={kind.value}")
    if not today.channels:
        draw_empty_state("hourglass_empty", t("home.quiet"), t("home.quiet_hint"))
        return
    most = max(channel.questions for channel in today.channels)
    with html.ul().classes("home-channels").props(f'aria-label="{t("home.by_channel")}"'):
        for channel in sorted(today.channels, key=lambda each: -each.questions):
            _channel(panel, channel, most)


def _figure(panel: PanelContext, name: str, value: int, before: int, query: str) -> None:
    with html.div().classes("home-figure"):
        html.dt(name)
        with html.dd():
            html.a(str(value), href=f"{panel.root_path}/conversations?{query}").classes("home-value")
            html.span(panel.t("home.yesterday", count=before)).classes("home-before")


def _channel(panel: PanelContext, channel: ChannelActivity, most: int) -> None:
    t = panel.t
    with html.li().classes("home-channel"):
        html.span(t(f"channel.{channel.source}")).classes("home-channel-name")
        with html.span().classes("home-bar").props("aria-hidden=true"):
            for kind, _ in _KINDS:
                if count := channel.answers.get(kind, 0):
                    html.span().classes(f"home-part home-part-{kind.value}").style(f"width: {100 * count / most:.2f}%")
        html.span(
            f"{t.count('home.conversation_count', channel.conversations)}, "
            f"{t.count('home.question_count', channel.questions)}"
        ).classes("home-channel-count")
