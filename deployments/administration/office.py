"""The office: every administrative service over one database, opened and closed together."""

from dataclasses import dataclass

from deployments.administration.accounts import Accounts
from deployments.administration.bots import BotAdministration
from deployments.administration.conversations import StoredConversations
from deployments.administration.faq import FaqAdministration
from deployments.administration.keys import ApiKeys
from deployments.administration.personas import PersonaAdministration
from deployments.administration.preparation import FirstCredentials, prepare
from deployments.administration.publisher import SnapshotPublisher
from deployments.administration.reports import ReportDesk
from deployments.administration.settings import SettingsAdministration
from storage.environment import Environment

__all__ = ["FirstCredentials", "Office", "open_office", "prepare"]


@dataclass(frozen=True)
class Office:
    faq: FaqAdministration
    accounts: Accounts
    keys: ApiKeys
    personas: PersonaAdministration
    bots: BotAdministration
    settings: SettingsAdministration
    conversations: StoredConversations
    publisher: SnapshotPublisher
    reports: ReportDesk

    async def close(self) -> None:
        """Ends every subscription, waits for changes under way and closes the database."""
        raise NotImplementedError


async def open_office(environment: Environment) -> Office:
    """Prepares the installation when needed and opens every service."""
    raise NotImplementedError
