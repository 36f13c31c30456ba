"""Who may do what in the office: one table, by which REST and the panel go alike."""

from dataclasses import dataclass
from enum import StrEnum

from deployments.contracts.errors import Forbidden
from deployments.contracts.identity import Role

VIEWER, OPERATOR, ADMIN = Role.VIEWER, Role.OPERATOR, Role.ADMIN


class Subject(StrEnum):
    """What people in the office deal with. ``OTHER`` is whatever nobody has named yet."""

    OWN_ACCOUNT = "own account"
    DOCUMENT = "description of the API"
    STATUS = "status"
    SETTINGS = "settings"
    ANSWERS = "prepared answers"
    ANSWER_FILES = "files of prepared answers"
    TRANSCRIPTS = "transcripts"
    RECOGNITION = "recognition"
    PROVIDERS = "providers"
    MODEL = "model of the default provider"
    PROMPTS = "prompts"
    VOICES = "voices"
    CHAT = "conversations"
    BOTS = "bots"
    WIDGETS = "widgets"
    SERVICES = "services"
    MONITOR = "monitor"
    MODEL_FILES = "model files"
    USAGE = "usage"
    AUDIT = "audit trail"
    LOGS = "logs"
    PEOPLE = "people"
    KEYS = "keys"
    PRIVACY = "privacy"
    BACKUPS = "backups"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Rights:
    """The lowest role that may read a subject, and the lowest that may do anything else with it."""

    read: Role
    change: Role


_TABLE = {
    Subject.OWN_ACCOUNT: Rights(VIEWER, VIEWER),
    Subject.DOCUMENT: Rights(VIEWER, ADMIN),
    Subject.STATUS: Rights(VIEWER, ADMIN),
    Subject.SETTINGS: Rights(VIEWER, OPERATOR),
    Subject.ANSWERS: Rights(VIEWER, OPERATOR),
    Subject.ANSWER_FILES: Rights(OPERATOR, OPERATOR),
    Subject.TRANSCRIPTS: Rights(OPERATOR, OPERATOR),
    Subject.RECOGNITION: Rights(VIEWER, OPERATOR),
    Subject.PROVIDERS: Rights(OPERATOR, ADMIN),
    Subject.MODEL: Rights(VIEWER, ADMIN),
    Subject.PROMPTS: Rights(VIEWER, OPERATOR),
    Subject.VOICES: Rights(VIEWER, OPERATOR),
    Subject.CHAT: Rights(VIEWER, VIEWER),
    Subject.BOTS: Rights(OPERATOR, OPERATOR),
    Subject.WIDGETS: Rights(VIEWER, OPERATOR),
    Subject.SERVICES: Rights(VIEWER, ADMIN),
    Subject.MONITOR: Rights(VIEWER, OPERATOR),
    Subject.MODEL_FILES: Rights(VIEWER, ADMIN),
    Subject.USAGE: Rights(OPERATOR, ADMIN),
    Subject.AUDIT: Rights(OPERATOR, ADMIN),
}
_ADMINISTRATORS = Rights(ADMIN, ADMIN)


def rights(subject: Subject) -> Rights:
    """Who may read and change ``subject``; what the table leaves out is for administrators."""
    return _TABLE.get(subject, _ADMINISTRATORS)


def require(role: Role, needed: Role) -> None:
    """Raises Forbidden unless ``role`` may do what ``needed`` may."""
    if not role.covers(needed):
        raise Forbidden(f"This needs the role {needed.value}; yours is {role.value}.")
