"""Access rules by path. A path without a rule needs a valid API key, so new routes are closed by default."""

from collections.abc import Sequence
from dataclasses import dataclass

CHAT, AUDIO, METRICS, VOICES = "chat", "audio", "metrics", "voices"
_READ_METHODS = frozenset(("GET", "HEAD"))


@dataclass(frozen=True, slots=True)
class AccessRule:
    """``template`` labels the path in metrics. ``scope`` None accepts any valid key. ``upload`` selects the upload
    limit."""

    template: str
    scope: str | None = None
    public: bool = False
    upload: bool = False


_EXACT = {
    entry.template: entry
    for entry in (
        AccessRule("/health", public=True),
        AccessRule("/ready", public=True),
        AccessRule("/metrics", METRICS),
        AccessRule("/", public=True),
        AccessRule("/v1/models"),
        AccessRule("/v1/voices"),
        AccessRule("/v1/chat/completions", CHAT),
        AccessRule("/v1/completions", CHAT),
        AccessRule("/v1/responses", CHAT),
        AccessRule("/v1/embeddings", CHAT),
        AccessRule("/v1/audio/speech", AUDIO),
        AccessRule("/v1/audio/transcriptions", AUDIO, upload=True),
        AccessRule("/v1/audio/translations", AUDIO, upload=True),
        AccessRule("/v1/audio/voice_consents", VOICES, upload=True),
        # Open WebUI asks for these two without a key.
        AccessRule("/v1/audio/voices", public=True),
        AccessRule("/v1/audio/models", public=True),
    )
}
_CONSENTS = "/v1/audio/voice_consents"
_CHANGES = {"/v1/audio/voices": AccessRule("/v1/audio/voices", VOICES, upload=True)}
"""Rules of paths that are public for reading only."""
_BELOW = (
    ("/v1/models/", AccessRule("/v1/models/{id}")),
    ("/v1/responses/", AccessRule("/v1/responses/{id}", CHAT)),
    ("/v1/audio/voices/", AccessRule("/v1/audio/voices/{id}", VOICES)),
    (f"{_CONSENTS}/", AccessRule(f"{_CONSENTS}/{{id}}", VOICES)),
)
_DEFAULT = AccessRule("other")
_PUBLIC_PREFIX = AccessRule("public", public=True)

V1_PATHS = frozenset(path for path in _EXACT if path.startswith("/v1/"))
PUBLIC_PATHS = frozenset(path for path, entry in _EXACT.items() if entry.public)
PUBLIC_FOR_READING = frozenset(_CHANGES)
"""Those of ``PUBLIC_PATHS`` whose other methods need a key."""


def access_rule_for(path: str, method: str, public_prefixes: Sequence[str] = ()) -> AccessRule:
    """The rule of ``method`` on ``path``. ``public_prefixes`` are paths that do their own access control, such as the
    widget."""
    if method not in _READ_METHODS and (change := _CHANGES.get(path)):
        return change
    entry = _EXACT.get(path)
    if entry is not None:
        return entry
    for prefix, rule in _BELOW:
        if path.startswith(prefix):
            return rule
    if any(path.startswith(prefix) for prefix in public_prefixes):
        return _PUBLIC_PREFIX
    return _DEFAULT
