"""The services that the panel uses."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from deployments.administration.auth.accounts import Accounts
from deployments.administration.chat.dialogue import Dialogue
from deployments.administration.chat.sessions import ChatSessions
from deployments.administration.faq.service import FaqAdministration
from deployments.administration.office.report_ingest import ReportIngest
from deployments.administration.snapshots.publisher import SnapshotPublisher
from deployments.contracts.engines import Assistant
from deployments.contracts.events import AnswerMatch
from deployments.contracts.sessions import ConversationStore


@dataclass(frozen=True, slots=True)
class PhraseMatchReport:
    """The FAQ entry that answers a phrase, if there is one, and the closest other entries, best first."""

    match: AnswerMatch | None
    candidates: tuple[AnswerMatch, ...] = ()


PhraseMatcher = Callable[[str, str | None], Awaitable[PhraseMatchReport]]
"""``await matcher(phrase, language)``; ``language`` None means unknown."""


@dataclass(frozen=True)
class PanelServices:
    """The assistant, the administration services of the office, and a function that matches phrases to the FAQ."""

    assistant: Assistant
    faq: FaqAdministration
    accounts: Accounts
    reports: ReportIngest
    publisher: SnapshotPublisher
    conversations: ConversationStore
    chats: ChatSessions
    dialogue: Dialogue
    matcher: PhraseMatcher
