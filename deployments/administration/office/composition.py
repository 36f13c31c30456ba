"""Builds the services of the office over one database and closes them together."""

import logging
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deployments.administration.audit.audit_log import AuditLog
from deployments.administration.auth.account_writer import AccountWriter
from deployments.administration.auth.accounts import Accounts
from deployments.administration.auth.passwords import PasswordHashing
from deployments.administration.auth.secret_keys import load_jwt_secret, load_sealer
from deployments.administration.auth.token_service import TokenLifetimes, TokenService
from deployments.administration.backup.installation_copies import InstallationCopies
from deployments.administration.bots.bot_sessions import BotSessions
from deployments.administration.bots.service import BotAdministration
from deployments.administration.chat.conversations import StoredConversations
from deployments.administration.chat.dialogue import Dialogue
from deployments.administration.chat.recordings import ConversationRecordings
from deployments.administration.chat.running_turns import RunningTurns
from deployments.administration.chat.sessions import ChatSessions
from deployments.administration.faq.importing import FaqImporter
from deployments.administration.faq.open_questions import OpenQuestions
from deployments.administration.faq.service import FaqAdministration
from deployments.administration.keys.service import ApiKeyAdministration
from deployments.administration.llm.chains import ChainAdministration
from deployments.administration.llm.personas import PersonaAdministration
from deployments.administration.llm.providers import ProviderAdministration
from deployments.administration.office.preparation import FIRST_ADMINISTRATOR, FirstCredentials, prepare_installation
from deployments.administration.office.report_ingest import ReportIngest
from deployments.administration.office.snapshot_writer import SnapshotWriter
from deployments.administration.office.start_guide import StartGuide
from deployments.administration.privacy.file_remover import FileRemover
from deployments.administration.privacy.retention import Retention
from deployments.administration.privacy.service import Privacy
from deployments.administration.proxies.service import ProxyAdministration
from deployments.administration.settings.history import SettingsHistory
from deployments.administration.settings.service import SettingsAdministration
from deployments.administration.snapshots.loader import load_snapshot
from deployments.administration.snapshots.publisher import SnapshotPublisher
from deployments.administration.speech.cloned_voices import ClonedVoices
from deployments.administration.speech.presets import PresetAdministration
from deployments.administration.speech.voice_consents import VoiceConsents
from deployments.administration.speech.voice_files import VoiceFiles
from deployments.administration.speech.voice_samples import SampleReader
from deployments.administration.speech.voices import VoiceAdministration
from deployments.administration.transfer.service import ConfigurationTransfer, TransferredServices
from deployments.administration.usage.activity import Activity
from deployments.administration.usage.service import UsageAccounting
from deployments.administration.users.service import UserAdministration
from deployments.administration.widgets.service import WidgetAdministration
from deployments.contracts.reports import DoorReport, ReportAcknowledgement
from deployments.contracts.snapshot import Snapshot
from storage.backup_archive import VOICES
from storage.database import Database
from storage.environment import Environment
from storage.secrets import Sealer

__all__ = ["FirstCredentials", "OfficeServices", "open_office", "prepare_installation"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class OfficeServices:
    """The services of the office, built by ``open_office``. The caller of ``open_office`` closes them."""

    database: Database
    snapshot_writer: SnapshotWriter
    publisher: SnapshotPublisher
    faq: FaqAdministration
    faq_importer: FaqImporter
    open_questions: OpenQuestions
    accounts: Accounts
    account_writer: AccountWriter
    passwords: PasswordHashing
    tokens: TokenService
    users: UserAdministration
    keys: ApiKeyAdministration
    personas: PersonaAdministration
    bots: BotAdministration
    bot_sessions: BotSessions
    sealer: Sealer
    providers: ProviderAdministration
    chains: ChainAdministration
    proxies: ProxyAdministration
    presets: PresetAdministration
    voices: VoiceAdministration
    voice_consents: VoiceConsents
    cloned_voices: ClonedVoices
    widgets: WidgetAdministration
    settings: SettingsAdministration
    settings_history: SettingsHistory
    transfer: ConfigurationTransfer
    conversations: StoredConversations
    recordings: ConversationRecordings
    report_ingest: ReportIngest
    usage: UsageAccounting
    activity: Activity
    start_guide: StartGuide
    audit: AuditLog
    running_turns: RunningTurns
    chat_sessions: ChatSessions
    dialogue: Dialogue
    privacy: Privacy
    retention: Retention

    def snapshots(self, after_revision: int, subscriber: str) -> AsyncIterator[Snapshot]:
        """Implements ``OfficeLink`` for the door in the office's own process."""
        return self.publisher.subscribe(after_revision, subscriber)

    async def report(self, report: DoorReport) -> ReportAcknowledgement:
        """Implements ``OfficeLink`` for the door in the office's own process."""
        return await self.report_ingest.accept(report)

    async def close(self) -> None:
        """Stops running turns and subscriptions, waits for running changes and closes the database."""
        await self.retention.stop()
        await self.running_turns.close()
        self.publisher.close()
        await self.snapshot_writer.close()
        await self.account_writer.close()
        self.passwords.close()
        await self.database.close()


async def open_office(
    environment: Environment,
    *,
    passwords: PasswordHashing | None = None,
    database_timeout_s: float = 10.0,
    local_models: Sequence[str] = ("chat",),
) -> OfficeServices:
    """Prepares the installation and opens every service. ``local_models`` are the names of those in the graph, the
    default one first.

    The office closes ``passwords``. Generated credentials are written to ``<data>/first-credentials.txt`` (mode 0600).
    Raises Conflict when another process still uses the database after ``database_timeout_s``.
    """
    passwords = passwords or PasswordHashing()
    credentials = await prepare_installation(environment, passwords=passwords, database_timeout_s=database_timeout_s)
    if credentials is not None:
        _write_credentials(credentials, environment.data / "first-credentials.txt")
    database = Database(environment.database_url, database_timeout_s)
    await database.open()
    try:
        return await _build_services(environment, database, passwords, local_models)
    except BaseException:
        await database.close()
        raise


async def _build_services(
    environment: Environment, database: Database, passwords: PasswordHashing, local_models: Sequence[str]
) -> OfficeServices:
    async with database.unit_of_work() as work:
        publisher = SnapshotPublisher(await load_snapshot(work))
    await passwords.start()
    writer = SnapshotWriter(database, publisher)
    account_writer = AccountWriter(database)
    tokens = TokenService(database, account_writer, load_jwt_secret(environment), _lifetimes(environment))
    await tokens.start()
    usage = UsageAccounting(database)
    running, files = RunningTurns(), FileRemover(database, environment.data)
    recordings = ConversationRecordings(
        database, environment.data, lambda: publisher.current.settings.privacy.keep_recordings
    )
    copies = InstallationCopies(
        environment.data, database.path.parent if database.path else environment.data, environment.models_dir
    )
    retention = Retention(database, lambda: publisher.current.settings.privacy, files, copies)
    retention.start()
    sealer, samples = load_sealer(environment), SampleReader()
    cloned_voices = ClonedVoices(database, writer, VoiceFiles(environment.models_dir / VOICES), samples)
    await cloned_voices.start()
    reports = ReportIngest(database, usage=usage)
    configured = TransferredServices(
        settings=SettingsAdministration(database, writer, local_models),
        faq=FaqAdministration(database, writer),
        faq_importer=FaqImporter(database, writer),
        personas=PersonaAdministration(database, writer, local_models),
        presets=PresetAdministration(database, writer),
        chains=ChainAdministration(database, writer, local_models),
        providers=ProviderAdministration(database, writer, sealer),
        widgets=WidgetAdministration(database, writer),
        bots=BotAdministration(database, writer, sealer),
    )
    audit = AuditLog(database)
    return OfficeServices(
        database=database,
        snapshot_writer=writer,
        publisher=publisher,
        faq=configured.faq,
        faq_importer=configured.faq_importer,
        open_questions=OpenQuestions(database),
        accounts=Accounts(database, passwords, account_writer=account_writer),
        account_writer=account_writer,
        passwords=passwords,
        tokens=tokens,
        users=UserAdministration(database, account_writer, passwords),
        keys=ApiKeyAdministration(database, writer, usage),
        personas=configured.personas,
        bots=configured.bots,
        bot_sessions=BotSessions(database),
        sealer=sealer,
        providers=configured.providers,
        chains=configured.chains,
        proxies=ProxyAdministration(database, writer, sealer, reports),
        presets=configured.presets,
        voices=VoiceAdministration(database, writer),
        voice_consents=VoiceConsents(database, writer, environment.data, samples),
        cloned_voices=cloned_voices,
        widgets=configured.widgets,
        settings=configured.settings,
        settings_history=SettingsHistory(audit),
        transfer=ConfigurationTransfer(database, configured),
        conversations=StoredConversations(database, recordings),
        recordings=recordings,
        report_ingest=reports,
        usage=usage,
        start_guide=StartGuide(database),
        activity=Activity(database, lambda: publisher.current.settings.time_zone),
        audit=audit,
        running_turns=running,
        chat_sessions=ChatSessions(database, running, files),
        dialogue=Dialogue(database, running, lambda: publisher.current),
        privacy=Privacy(database, running, files, cloned_voices),
        retention=retention,
    )


def _lifetimes(environment: Environment) -> TokenLifetimes:
    return TokenLifetimes(environment.access_token_minutes * 60.0, environment.refresh_token_days * 86_400.0)


def _write_credentials(credentials: FirstCredentials, path: Path) -> None:
    lines = (
        f"panel user: {FIRST_ADMINISTRATOR}" if credentials.admin_password else "",
        f"panel password: {credentials.admin_password}" if credentials.admin_password else "",
        f"API key: {credentials.api_key}" if credentials.api_key else "",
    )
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines if line))
    logger.warning("first credentials are in %s: copy them and delete the file", path)
