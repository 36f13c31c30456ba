"""The tables, one class each. Repositories convert rows into contracts."""

from storage.models.accounts import ApiKeyRow, ConsentRow, RefreshTokenRow, UserRow
from storage.models.base import Base
from storage.models.configuration import BotRow, FaqRow, PersonaRow, SettingRow, WidgetRow
from storage.models.conversations import (
    AcceptedReportRow,
    ChatMessageRow,
    ChatSessionRow,
    ExchangeRow,
    FileDeletionRow,
    RecordingRow,
    UsageRow,
)
from storage.models.engines import (
    ClonedVoiceRow,
    CloudProviderRow,
    RouteChainRow,
    TtsPresetRow,
    VoiceConsentRow,
    VoiceRow,
)
from storage.models.installation import AuditRow, InstallationRow, RevisionRow

__all__ = [
    "AcceptedReportRow",
    "ApiKeyRow",
    "AuditRow",
    "Base",
    "BotRow",
    "ChatMessageRow",
    "ChatSessionRow",
    "ClonedVoiceRow",
    "CloudProviderRow",
    "ConsentRow",
    "ExchangeRow",
    "FaqRow",
    "FileDeletionRow",
    "InstallationRow",
    "PersonaRow",
    "RecordingRow",
    "RefreshTokenRow",
    "RevisionRow",
    "RouteChainRow",
    "SettingRow",
    "TtsPresetRow",
    "UsageRow",
    "UserRow",
    "VoiceConsentRow",
    "VoiceRow",
    "WidgetRow",
]
