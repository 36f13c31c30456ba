"""The office: every administrative service over one database, opened and closed together."""

import logging
import os
from dataclasses import dataclass
from pathlib import Path

from deployments.administration.account_desk import AccountDesk
from deployments.administration.accounts import Accounts
from deployments.administration.audit import AuditTrail
from deployments.administration.bot_sessions import BotSessions
from deployments.administration.bots import BotAdministration
from deployments.administration.chains import ChainAdministration
from deployments.administration.chats import Chats
from deployments.administration.conversations import StoredConversations
from deployments.administration.copies import Copies
from deployments.administration.desk import ChangeDesk
from deployments.administration.dialogue import Dialogue
from deployments.administration.faq import FaqAdministration
from deployments.administration.faq_import import FaqImport
from deployments.administration.files import FileRemover
from deployments.administration.keys import ApiKeys
from deployments.administration.passwords import Passwords
from deployments.administration.personas import PersonaAdministration
from deployments.administration.preparation import FIRST_ADMINISTRATOR, FirstCredentials, prepare
from deployments.administration.privacy import Privacy
from deployments.administration.providers import ProviderAdministration
from deployments.administration.publisher import SnapshotPublisher
from deployments.administration.reports import ReportDesk
from deployments.administration.retention import Retention
from deployments.administration.secrets import jwt_secret_for, sealer_for
from deployments.administration.settings import SettingsAdministration
from deployments.administration.snapshots import load
from deployments.administration.speaking import PresetAdministration, VoiceAdministration
from deployments.administration.tokens import Lifetimes, Tokens
from deployments.administration.turns import RunningTurns
from deployments.administration.usage import UsageDesk
from deployments.administration.users import UserAdministration
from deployments.administration.widgets import WidgetAdministration
from storage.database import Database
from storage.environment import Environment

__all__ = ["FirstCredentials", "Office", "open_office", "prepare"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Office:
    """The services. ``open_office`` makes one; whoever opened it closes it."""

    database: Database
    desk: ChangeDesk
    publisher: SnapshotPublisher
    faq: FaqAdministration
    faq_import: FaqImport
    accounts: Accounts
    account_desk: AccountDesk
    passwords: Passwords
    tokens: Tokens
    users: UserAdministration
    keys: ApiKeys
    personas: PersonaAdministration
    bots: BotAdministration
    bot_sessions: BotSessions
    providers: ProviderAdministration
    chains: ChainAdministration
    presets: PresetAdministration
    voices: VoiceAdministration
    widgets: WidgetAdministration
    settings: SettingsAdministration
    conversations: StoredConversations
    reports: ReportDesk
    usage: UsageDesk
    audit: AuditTrail
    running: RunningTurns
    chats: Chats
    dialogue: Dialogue
    privacy: Privacy
    retention: Retention

    async def close(self) -> None:
        """Ends answers under way and every subscription, waits for changes under way and closes the database."""
        await self.retention.stop()
        await self.running.close()
        self.publisher.close()
        await self.desk.close()
        await self.account_desk.close()
        self.passwords.close()
        await self.database.close()


async def open_office(
    environment: Environment, *, passwords: Passwords | None = None, patience_s: float = 10.0
) -> Office:
    """Prepares the installation when needed and opens every service.

    ``passwords`` are the office's from then on, which closes them.
    Credentials that are generated on the way are left in ``<data>/first-credentials.txt`` (mode 0600), because nobody
    waits for them here. Raises Conflict when another process still uses the database after ``patience_s``.
    """
    passwords = passwords or Passwords()
    credentials = await prepare(environment, passwords=passwords, patience_s=patience_s)
    if credentials is not None:
        _leave(credentials, environment.data / "first-credentials.txt")
    database = Database(environment.database_url, patience_s)
    await database.open()
    try:
        return await _furnish(environment, database, passwords)
    except BaseException:
        await database.close()
        raise


async def _furnish(environment: Environment, database: Database, passwords: Passwords) -> Office:
    async with database.unit_of_work() as work:
        publisher = SnapshotPublisher(await load(work))
    await passwords.start()
    desk = ChangeDesk(database, publisher)
    account_desk = AccountDesk(database)
    tokens = Tokens(database, account_desk, jwt_secret_for(environment), _lifetimes(environment))
    await tokens.start()
    usage = UsageDesk(database)
    running, files = RunningTurns(), FileRemover(database, environment.data)
    copies = Copies(environment.data, database.path.parent if database.path else environment.data)
    retention = Retention(database, lambda: publisher.current.settings.privacy, files, copies)
    retention.start()
    sealer = sealer_for(environment)
    return Office(
        database=database,
        desk=desk,
        publisher=publisher,
        faq=FaqAdministration(database, desk),
        faq_import=FaqImport(database, desk),
        accounts=Accounts(database, passwords, desk=account_desk),
        account_desk=account_desk,
        passwords=passwords,
        tokens=tokens,
        users=UserAdministration(database, account_desk, passwords),
        keys=ApiKeys(database, desk, usage),
        personas=PersonaAdministration(database, desk),
        bots=BotAdministration(database, desk, sealer),
        bot_sessions=BotSessions(database),
        providers=ProviderAdministration(database, desk, sealer),
        chains=ChainAdministration(database, desk),
        presets=PresetAdministration(database, desk),
        voices=VoiceAdministration(database, desk),
        widgets=WidgetAdministration(database, desk),
        settings=SettingsAdministration(database, desk),
        conversations=StoredConversations(database),
        reports=ReportDesk(database, usage=usage),
        usage=usage,
        audit=AuditTrail(database),
        running=running,
        chats=Chats(database, running, files),
        dialogue=Dialogue(database, running, lambda: publisher.current),
        privacy=Privacy(database, running, files),
        retention=retention,
    )


def _lifetimes(environment: Environment) -> Lifetimes:
    return Lifetimes(environment.access_token_minutes * 60.0, environment.refresh_token_days * 86_400.0)


def _leave(credentials: FirstCredentials, path: Path) -> None:
    lines = (
        f"panel user: {FIRST_ADMINISTRATOR}" if credentials.admin_password else "",
        f"panel password: {credentials.admin_password}" if credentials.admin_password else "",
        f"API key: {credentials.api_key}" if credentials.api_key else "",
    )
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines if line))
    logger.warning("first credentials are in %s: note them and delete the file", path)
