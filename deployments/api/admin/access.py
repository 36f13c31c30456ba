"""Who may do what in the office: one table of paths. What is not in it is for administrators."""

from dataclasses import dataclass

from deployments.contracts.identity import Role

VIEWER, OPERATOR, ADMIN = Role.VIEWER, Role.OPERATOR, Role.ADMIN
_READS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Area:
    """Paths below ``prefix``. ``read`` may GET, ``write`` may everything else; ``upload`` picks the body limit."""

    prefix: str
    read: Role
    write: Role
    upload: bool = False

    def contains(self, path: str) -> bool:
        return path == self.prefix or path.startswith(f"{self.prefix}/")


PUBLIC = frozenset({"/auth/login", "/auth/refresh", "/auth/status"})
"""Answer without a token: to get one, and to see whether one is needed."""

WITH_OLD_PASSWORD = frozenset({"/auth/me", "/auth/password", "/auth/logout"})
"""Open to a person whose password must be changed first."""

_AREAS = (
    Area("/auth/login", VIEWER, VIEWER),
    Area("/auth/refresh", VIEWER, VIEWER),
    Area("/auth/status", VIEWER, VIEWER),
    Area("/auth/me", VIEWER, VIEWER),
    Area("/auth/password", VIEWER, VIEWER),
    Area("/auth/logout", VIEWER, VIEWER),
    Area("/openapi.json", VIEWER, ADMIN),
    Area("/status", VIEWER, ADMIN),
    Area("/settings", VIEWER, OPERATOR),
    Area("/faq/import", OPERATOR, OPERATOR, upload=True),
    Area("/faq", VIEWER, OPERATOR),
    Area("/stt/transcribe", OPERATOR, OPERATOR, upload=True),
    Area("/stt", VIEWER, OPERATOR),
    Area("/llm/providers", OPERATOR, ADMIN),
    Area("/llm/model", VIEWER, ADMIN),
    Area("/llm", VIEWER, OPERATOR),
    Area("/tts", VIEWER, OPERATOR),
    Area("/voice", VIEWER, OPERATOR),
    Area("/voices", VIEWER, OPERATOR),
    Area("/chat", VIEWER, VIEWER),
    Area("/telegram", OPERATOR, OPERATOR),
    Area("/widget", VIEWER, OPERATOR),
    Area("/services", VIEWER, ADMIN),
    Area("/monitor", VIEWER, OPERATOR),
    Area("/models", VIEWER, ADMIN),
    Area("/usage", OPERATOR, ADMIN),
    Area("/audit", OPERATOR, ADMIN),
    Area("/logs", ADMIN, ADMIN),
    Area("/users", ADMIN, ADMIN),
    Area("/keys", ADMIN, ADMIN),
    Area("/privacy", ADMIN, ADMIN),
    Area("/backup", ADMIN, ADMIN, upload=True),
)


def area_of(path: str) -> Area:
    """The first area that contains ``path`` (without the office's own prefix)."""
    return next((area for area in _AREAS if area.contains(path)), Area("other", ADMIN, ADMIN))


def needed_role(path: str, method: str) -> Role:
    """The lowest role that may do ``method`` there."""
    area = area_of(path)
    return area.read if method in _READS else area.write
