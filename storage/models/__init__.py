"""The tables. Everything that is stored, one class per table; repositories turn rows into contracts."""

from storage.models.base import Base
from storage.models.behaviour import BotRow, FaqRow, PersonaRow, SettingRow
from storage.models.conversations import AcceptedReportRow, ChatMessageRow, ChatSessionRow, ExchangeRow
from storage.models.people import ApiKeyRow, UserRow
from storage.models.trail import AuditRow, InstallationRow, RevisionRow

__all__ = [
    "AcceptedReportRow",
    "ApiKeyRow",
    "AuditRow",
    "Base",
    "BotRow",
    "ChatMessageRow",
    "ChatSessionRow",
    "ExchangeRow",
    "FaqRow",
    "InstallationRow",
    "PersonaRow",
    "RevisionRow",
    "SettingRow",
    "UserRow",
]
