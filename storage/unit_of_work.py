"""One unit of work: every repository over one transaction."""

from sqlalchemy.ext.asyncio import AsyncSession

from storage.repositories.audit import AuditRepository
from storage.repositories.bots import BotRepository
from storage.repositories.chains import ChainRepository
from storage.repositories.consents import ConsentRepository
from storage.repositories.exchanges import ExchangeRepository
from storage.repositories.faq import FaqRepository
from storage.repositories.installation import InstallationRepository
from storage.repositories.keys import KeyRepository
from storage.repositories.messages import MessageRepository
from storage.repositories.personas import PersonaRepository
from storage.repositories.presets import PresetRepository
from storage.repositories.providers import ProviderRepository
from storage.repositories.recordings import RecordingRepository
from storage.repositories.revisions import RevisionRepository
from storage.repositories.sealed import SealedRepository
from storage.repositories.sessions import SessionRepository
from storage.repositories.settings import SettingsRepository
from storage.repositories.tokens import TokenRepository
from storage.repositories.usage import UsageRepository
from storage.repositories.users import UserRepository
from storage.repositories.voices import VoiceRepository
from storage.repositories.widgets import WidgetRepository


class UnitOfWork:
    """What one transaction may touch; ``Database.unit_of_work`` commits it. Repositories never commit."""

    def __init__(self, session: AsyncSession) -> None:
        self.audit = AuditRepository(session)
        self.bots = BotRepository(session)
        self.consents = ConsentRepository(session)
        self.chains = ChainRepository(session)
        self.exchanges = ExchangeRepository(session)
        self.faq = FaqRepository(session)
        self.installation = InstallationRepository(session)
        self.keys = KeyRepository(session)
        self.messages = MessageRepository(session)
        self.personas = PersonaRepository(session)
        self.recordings = RecordingRepository(session)
        self.presets = PresetRepository(session)
        self.providers = ProviderRepository(session)
        self.revisions = RevisionRepository(session)
        self.sealed = SealedRepository(session)
        self.sessions = SessionRepository(session)
        self.settings = SettingsRepository(session)
        self.tokens = TokenRepository(session)
        self.usage = UsageRepository(session)
        self.users = UserRepository(session)
        self.voices = VoiceRepository(session)
        self.widgets = WidgetRepository(session)
