"""Routes ``/usage/activity`` and ``/usage/hours``: what was asked, and what answered."""

from datetime import date
from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel

from deployments.administration.usage.activity import Activity, AnsweredBy, ChannelActivity, DayActivity
from deployments.api.admin.usage.routes import Day


class AnswerCounts(BaseModel):
    """``nobody``: the fallback answer was given, or the answer failed."""

    conversations: int
    questions: int
    faq: int
    model: int
    nobody: int


class ChannelCounts(AnswerCounts):
    source: str

    @classmethod
    def of(cls, channel: ChannelActivity) -> Self:
        counts = {kind.value: channel.answers.get(kind, 0) for kind in AnsweredBy}
        return cls(source=channel.source, conversations=channel.conversations, questions=channel.questions, **counts)


class DayActivityReply(BaseModel):
    """One day in the time zone of the settings."""

    day: date
    totals: AnswerCounts
    channels: list[ChannelCounts]

    @classmethod
    def of(cls, activity: DayActivity) -> Self:
        counts = {kind.value: activity.answered(kind) for kind in AnsweredBy}
        totals = AnswerCounts(conversations=activity.conversations, questions=activity.questions, **counts)
        return cls(day=activity.day, totals=totals, channels=[ChannelCounts.of(each) for each in activity.channels])


class HourCount(BaseModel):
    """``weekday`` 0 is Monday."""

    weekday: int
    hour: int
    questions: int


class HoursReply(BaseModel):
    days: int
    hours: list[HourCount]


def activity_router(activity: Activity) -> APIRouter:
    router = APIRouter(prefix="/usage", tags=["usage"])

    @router.get("/activity")
    async def day(day: Day = None) -> DayActivityReply:
        """Conversations and questions of one day, by default today, by channel."""
        return DayActivityReply.of(await activity.day(day or activity.today))

    @router.get("/hours")
    async def hours(days: Annotated[int, Query(ge=1, le=366)] = 28) -> HoursReply:
        """Questions by hour of the week, summed over the last days."""
        found = await activity.hours(days)
        return HoursReply(
            days=days,
            hours=[HourCount(weekday=each.weekday, hour=each.hour, questions=each.questions) for each in found],
        )

    return router
