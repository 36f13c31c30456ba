"""The services that the panel uses."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from deployments.administration.auth.accounts import Accounts
from deployments.administration.bots.process_reports import BotReportReader
from deployments.administration.bots.token_check import BotTokenChecks
from deployments.administration.chat.dialogue import Dialogue
from deployments.administration.chat.recordings import ConversationRecordings
from deployments.administration.chat.sessions import ChatSessions
from deployments.administration.faq.service import FaqAdministration
from deployments.administration.llm.provider_test import ProviderTest
from deployments.administration.office.composition import OfficeServices
from deployments.administration.office.operations import OperationsServices
from deployments.administration.office.report_ingest import ReportIngest
from deployments.administration.proxies.proxy_test import ProxyCoreState, ProxyTest
from deployments.administration.snapshots.publisher import SnapshotPublisher
from deployments.contracts.engines import Assistant
from deployments.contracts.match_report import MatchReport
from deployments.contracts.sessions import ConversationStore
from deployments.contracts.speech import Voice
from deployments.conversation.ready.maker import ReadyAnswers

PhraseMatcher = Callable[[str, str | None], Awaitable[MatchReport]]
"""``await matcher(phrase, language)``; ``language`` None means unknown."""


@dataclass(frozen=True)
class PanelServices:
    """The same services as the REST API uses. ``installed_voices`` returns every voice of every engine, including
    disabled ones. ``stream_slot`` takes one of the live streams of the office, or raises RateLimited when
    ``limits.max_live_streams`` are in progress. ``public_url`` is SECRETARY_PUBLIC_URL."""

    office: OfficeServices
    operations: OperationsServices
    assistant: Assistant
    matcher: PhraseMatcher
    installed_voices: Callable[[], tuple[Voice, ...]]
    bots: BotReportReader
    test_provider: ProviderTest
    ready_answers: ReadyAnswers
    test_proxy: ProxyTest
    proxy_core: Callable[[], Awaitable[ProxyCoreState]]
    bot_token_checks: BotTokenChecks
    stream_slot: Callable[[], AbstractContextManager[object]]
    public_url: str = ""

    @property
    def faq(self) -> FaqAdministration:
        return self.office.faq

    @property
    def accounts(self) -> Accounts:
        return self.office.accounts

    @property
    def reports(self) -> ReportIngest:
        return self.office.report_ingest

    @property
    def publisher(self) -> SnapshotPublisher:
        return self.office.publisher

    @property
    def conversations(self) -> ConversationStore:
        return self.office.conversations

    @property
    def recordings(self) -> ConversationRecordings:
        return self.office.recordings

    @property
    def chats(self) -> ChatSessions:
        return self.office.chat_sessions

    @property
    def dialogue(self) -> Dialogue:
        return self.office.dialogue
