"""Maps the paths of the office to resources. ``administration.auth.permissions`` maps resources to roles."""

from dataclasses import dataclass

from deployments.administration.auth.permissions import AdminResource, required_roles
from deployments.contracts.identity import Role

_READ_METHODS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class AdminArea:
    """Paths below ``prefix`` and their resource. ``upload`` selects the body limit of uploads."""

    prefix: str
    resource: AdminResource
    upload: bool = False

    def contains(self, path: str) -> bool:
        return path == self.prefix or path.startswith(f"{self.prefix}/")


PUBLIC_PATHS = frozenset({"/auth/login", "/auth/refresh", "/auth/status"})
"""Paths that answer without a token: to get one, and to see whether one is needed."""

PATHS_BEFORE_PASSWORD_CHANGE = frozenset({"/auth/me", "/auth/password", "/auth/logout"})
"""Paths open to users who must change their password first."""

_AREAS = (
    AdminArea("/auth/login", AdminResource.OWN_ACCOUNT),
    AdminArea("/auth/refresh", AdminResource.OWN_ACCOUNT),
    AdminArea("/auth/status", AdminResource.OWN_ACCOUNT),
    AdminArea("/auth/me", AdminResource.OWN_ACCOUNT),
    AdminArea("/auth/password", AdminResource.OWN_ACCOUNT),
    AdminArea("/auth/logout", AdminResource.OWN_ACCOUNT),
    AdminArea("/openapi.json", AdminResource.OPENAPI_DOCUMENT),
    AdminArea("/status", AdminResource.STATUS),
    AdminArea("/settings/history", AdminResource.AUDIT),
    AdminArea("/settings", AdminResource.SETTINGS),
    AdminArea("/configuration", AdminResource.CONFIGURATION, upload=True),
    AdminArea("/faq/import", AdminResource.FAQ_FILES, upload=True),
    AdminArea("/faq/open-questions", AdminResource.OPEN_QUESTIONS),
    AdminArea("/faq", AdminResource.FAQ),
    AdminArea("/stt/transcribe", AdminResource.TRANSCRIPTS, upload=True),
    AdminArea("/stt", AdminResource.RECOGNITION),
    AdminArea("/llm/providers", AdminResource.PROVIDERS),
    AdminArea("/llm/proxy", AdminResource.PROVIDERS),
    AdminArea("/llm/models", AdminResource.LOCAL_MODELS),
    AdminArea("/llm/model", AdminResource.DEFAULT_MODEL),
    AdminArea("/llm", AdminResource.PROMPTS),
    AdminArea("/tts", AdminResource.VOICES),
    AdminArea("/voice", AdminResource.VOICES),
    AdminArea("/voices/cloned", AdminResource.CLONED_VOICES, upload=True),
    AdminArea("/voices/consents", AdminResource.CLONED_VOICES, upload=True),
    AdminArea("/voices", AdminResource.VOICES),
    AdminArea("/chat", AdminResource.CONVERSATIONS),
    AdminArea("/telegram", AdminResource.BOTS),
    AdminArea("/widget", AdminResource.WIDGETS),
    AdminArea("/services", AdminResource.SERVICES),
    AdminArea("/monitor", AdminResource.MONITORING),
    AdminArea("/models", AdminResource.MODEL_FILES),
    AdminArea("/usage", AdminResource.USAGE),
    AdminArea("/audit", AdminResource.AUDIT),
    AdminArea("/logs", AdminResource.LOGS),
    AdminArea("/users", AdminResource.USERS),
    AdminArea("/keys", AdminResource.KEYS),
    AdminArea("/privacy", AdminResource.PRIVACY),
    AdminArea("/backup", AdminResource.BACKUPS, upload=True),
)


def area_of(path: str) -> AdminArea:
    """Returns the first area that contains ``path`` (without the prefix of the office)."""
    return next((area for area in _AREAS if area.contains(path)), AdminArea("other", AdminResource.OTHER))


def required_role(path: str, method: str) -> Role:
    """Returns the lowest role that may use ``method`` on ``path``."""
    allowed = required_roles(area_of(path).resource)
    return allowed.read if method in _READ_METHODS else allowed.change
