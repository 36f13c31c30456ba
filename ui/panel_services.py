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
from deployments.contracts.match_report import MatchReport
from deployments.contracts.sessions import ConversationStore

PhraseMatcher = Callable[[str, str | None], Awaitable[MatchReport]]
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
