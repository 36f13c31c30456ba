"""What the panel is handed: the facade that answers, the office's services, and a matcher to try phrases on."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from deployments.administration.accounts import Accounts
from deployments.administration.chats import Chats
from deployments.administration.dialogue import Dialogue
from deployments.administration.faq import FaqAdministration
from deployments.administration.publisher import SnapshotPublisher
from deployments.administration.reports import ReportDesk
from deployments.contracts.engines import Assistant
from deployments.contracts.events import AnswerMatch
from deployments.contracts.sessions import Conversations


@dataclass(frozen=True, slots=True)
class MatchReport:
    """What the FAQ makes of a phrase: the entry that would answer, and the nearest ones, best first."""

    match: AnswerMatch | None
    candidates: tuple[AnswerMatch, ...] = ()


Matcher = Callable[[str, str | None], Awaitable[MatchReport]]
"""``await matcher(phrase, language)``; ``language`` None means unknown."""


@dataclass(frozen=True)
class PanelServices:
    assistant: Assistant
    faq: FaqAdministration
    accounts: Accounts
    reports: ReportDesk
    publisher: SnapshotPublisher
    conversations: Conversations
    chats: Chats
    dialogue: Dialogue
    matcher: Matcher
