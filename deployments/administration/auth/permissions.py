"""Roles required for each resource of the office. The REST API and the panel use the same table."""

from dataclasses import dataclass
from enum import StrEnum

from deployments.contracts.errors import Forbidden
from deployments.contracts.identity import Role

VIEWER, OPERATOR, ADMIN = Role.VIEWER, Role.OPERATOR, Role.ADMIN


class AdminResource(StrEnum):
    """A resource of the office. ``OTHER`` stands for paths without an entry."""

    OWN_ACCOUNT = "own account"
    OPENAPI_DOCUMENT = "OpenAPI document"
    STATUS = "status"
    SETTINGS = "settings"
    FAQ = "FAQ"
    FAQ_FILES = "FAQ files"
    OPEN_QUESTIONS = "open questions"
    TRANSCRIPTS = "transcripts"
    RECOGNITION = "recognition"
    PROVIDERS = "providers"
    DEFAULT_MODEL = "model of the default provider"
    LOCAL_MODELS = "local models"
    PROMPTS = "prompts"
    VOICES = "voices"
    CLONED_VOICES = "cloned voices"
    CONVERSATIONS = "conversations"
    BOTS = "bots"
    BOT_PROXIES = "proxies of bots"
    WIDGETS = "widgets"
    SERVICES = "services"
    MONITORING = "monitor"
    MODEL_FILES = "model files"
    USAGE = "usage"
    AUDIT = "audit log"
    LOGS = "logs"
    USERS = "users"
    KEYS = "keys"
    PRIVACY = "privacy"
    BACKUPS = "backups"
    CONFIGURATION = "configuration files"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class RequiredRoles:
    """The lowest role that may read a resource, and the lowest that may change it."""

    read: Role
    change: Role


_REQUIRED_ROLES = {
    AdminResource.OWN_ACCOUNT: RequiredRoles(VIEWER, VIEWER),
    AdminResource.OPENAPI_DOCUMENT: RequiredRoles(VIEWER, ADMIN),
    AdminResource.STATUS: RequiredRoles(VIEWER, ADMIN),
    AdminResource.SETTINGS: RequiredRoles(VIEWER, OPERATOR),
    AdminResource.FAQ: RequiredRoles(VIEWER, OPERATOR),
    AdminResource.FAQ_FILES: RequiredRoles(OPERATOR, OPERATOR),
    AdminResource.OPEN_QUESTIONS: RequiredRoles(OPERATOR, OPERATOR),
    AdminResource.TRANSCRIPTS: RequiredRoles(OPERATOR, OPERATOR),
    AdminResource.RECOGNITION: RequiredRoles(VIEWER, OPERATOR),
    AdminResource.PROVIDERS: RequiredRoles(OPERATOR, ADMIN),
    AdminResource.DEFAULT_MODEL: RequiredRoles(VIEWER, ADMIN),
    AdminResource.LOCAL_MODELS: RequiredRoles(VIEWER, ADMIN),
    AdminResource.PROMPTS: RequiredRoles(VIEWER, OPERATOR),
    AdminResource.VOICES: RequiredRoles(VIEWER, OPERATOR),
    AdminResource.CLONED_VOICES: RequiredRoles(OPERATOR, ADMIN),
    AdminResource.CONVERSATIONS: RequiredRoles(VIEWER, VIEWER),
    AdminResource.BOTS: RequiredRoles(OPERATOR, OPERATOR),
    AdminResource.WIDGETS: RequiredRoles(VIEWER, OPERATOR),
    AdminResource.SERVICES: RequiredRoles(VIEWER, ADMIN),
    AdminResource.MONITORING: RequiredRoles(VIEWER, OPERATOR),
    AdminResource.MODEL_FILES: RequiredRoles(VIEWER, ADMIN),
    AdminResource.USAGE: RequiredRoles(OPERATOR, ADMIN),
    AdminResource.AUDIT: RequiredRoles(OPERATOR, ADMIN),
}
_ADMIN_ONLY = RequiredRoles(ADMIN, ADMIN)


def required_roles(resource: AdminResource) -> RequiredRoles:
    """Returns the roles required for ``resource``. A resource without an entry is for administrators."""
    return _REQUIRED_ROLES.get(resource, _ADMIN_ONLY)


def require_role(role: Role, required: Role) -> None:
    """Raises Forbidden unless ``role`` covers ``required``."""
    if not role.covers(required):
        raise Forbidden(f"This needs the role {required.value}; yours is {role.value}.")
