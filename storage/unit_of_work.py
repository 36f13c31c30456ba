"""The unit of work: every repository on one transaction."""

from sqlalchemy.ext.asyncio import AsyncSession

from storage.repositories.activity import ActivityRepository
from storage.repositories.audit import AuditRepository
from storage.repositories.consents import ConsentRepository
from storage.repositories.exchanges import ExchangeRepository
from storage.repositories.faq import FaqRepository
from storage.repositories.installation import InstallationRepository
from storage.repositories.keys import KeyRepository
from storage.repositories.messages import MessageRepository
from storage.repositories.people import PeopleRepository
from storage.repositories.recordings import RecordingRepository
from storage.repositories.revisions import RevisionRepository
from storage.repositories.sealed import SealedRepository
from storage.repositories.sessions import SessionRepository
from storage.repositories.settings import SettingsRepository
from storage.repositories.specs import (
    BOTS,
    PERSONAS,
    PRESETS,
    PROVIDERS,
    ROUTE_CHAINS,
    VOICES,
    WIDGETS,
    SpecRepository,
)
from storage.repositories.tokens import TokenRepository
from storage.repositories.usage import UsageRepository
from storage.repositories.users import UserRepository
from storage.repositories.voice_consents import VoiceConsentRepository


class UnitOfWork:
    """The repositories of one transaction, which ``Database.unit_of_work`` commits."""

    def __init__(self, session: AsyncSession) -> None:
        self.activity = ActivityRepository(session)
        self.audit = AuditRepository(session)
        self.bots = SpecRepository(session, BOTS)
        self.consents = ConsentRepository(session)
        self.chains = SpecRepository(session, ROUTE_CHAINS)
        self.exchanges = ExchangeRepository(session)
        self.faq = FaqRepository(session)
        self.installation = InstallationRepository(session)
        self.keys = KeyRepository(session)
        self.messages = MessageRepository(session)
        self.people = PeopleRepository(session)
        self.personas = SpecRepository(session, PERSONAS)
        self.recordings = RecordingRepository(session)
        self.presets = SpecRepository(session, PRESETS)
        self.providers = SpecRepository(session, PROVIDERS)
        self.revisions = RevisionRepository(session)
        self.sealed = SealedRepository(session)
        self.sessions = SessionRepository(session)
        self.settings = SettingsRepository(session)
        self.tokens = TokenRepository(session)
        self.usage = UsageRepository(session)
        self.users = UserRepository(session)
        self.voice_consents = VoiceConsentRepository(session)
        self.voices = SpecRepository(session, VOICES)
        self.widgets = SpecRepository(session, WIDGETS)
