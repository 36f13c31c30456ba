"""What each address of the office is about. Who may do what there stands in ``administration.rights``."""

from dataclasses import dataclass

from deployments.administration.rights import Subject, rights
from deployments.contracts.identity import Role

_READS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Area:
    """Paths below ``prefix``, and what they are about. ``upload`` picks the body limit."""

    prefix: str
    subject: Subject
    upload: bool = False

    def contains(self, path: str) -> bool:
        return path == self.prefix or path.startswith(f"{self.prefix}/")


PUBLIC = frozenset({"/auth/login", "/auth/refresh", "/auth/status"})
"""Answer without a token: to get one, and to see whether one is needed."""

WITH_OLD_PASSWORD = frozenset({"/auth/me", "/auth/password", "/auth/logout"})
"""Open to a person whose password must be changed first."""

_AREAS = (
    Area("/auth/login", Subject.OWN_ACCOUNT),
    Area("/auth/refresh", Subject.OWN_ACCOUNT),
    Area("/auth/status", Subject.OWN_ACCOUNT),
    Area("/auth/me", Subject.OWN_ACCOUNT),
    Area("/auth/password", Subject.OWN_ACCOUNT),
    Area("/auth/logout", Subject.OWN_ACCOUNT),
    Area("/openapi.json", Subject.DOCUMENT),
    Area("/status", Subject.STATUS),
    Area("/settings", Subject.SETTINGS),
    Area("/faq/import", Subject.ANSWER_FILES, upload=True),
    Area("/faq", Subject.ANSWERS),
    Area("/stt/transcribe", Subject.TRANSCRIPTS, upload=True),
    Area("/stt", Subject.RECOGNITION),
    Area("/llm/providers", Subject.PROVIDERS),
    Area("/llm/model", Subject.MODEL),
    Area("/llm", Subject.PROMPTS),
    Area("/tts", Subject.VOICES),
    Area("/voice", Subject.VOICES),
    Area("/voices", Subject.VOICES),
    Area("/chat", Subject.CHAT),
    Area("/telegram", Subject.BOTS),
    Area("/widget", Subject.WIDGETS),
    Area("/services", Subject.SERVICES),
    Area("/monitor", Subject.MONITOR),
    Area("/models", Subject.MODEL_FILES),
    Area("/usage", Subject.USAGE),
    Area("/audit", Subject.AUDIT),
    Area("/logs", Subject.LOGS),
    Area("/users", Subject.PEOPLE),
    Area("/keys", Subject.KEYS),
    Area("/privacy", Subject.PRIVACY),
    Area("/backup", Subject.BACKUPS, upload=True),
)


def area_of(path: str) -> Area:
    """The first area that contains ``path`` (without the office's own prefix)."""
    return next((area for area in _AREAS if area.contains(path)), Area("other", Subject.OTHER))


def needed_role(path: str, method: str) -> Role:
    """The lowest role that may do ``method`` there."""
    allowed = rights(area_of(path).subject)
    return allowed.read if method in _READS else allowed.change
