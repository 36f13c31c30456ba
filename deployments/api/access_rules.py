"""Access rules by path. A path without a rule needs a valid API key, so new routes are closed by default."""

from collections.abc import Sequence
from dataclasses import dataclass

CHAT, AUDIO, METRICS = "chat", "audio", "metrics"


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
        AccessRule("/v1/embeddings", CHAT),
        AccessRule("/v1/audio/speech", AUDIO),
        AccessRule("/v1/audio/transcriptions", AUDIO, upload=True),
        AccessRule("/v1/audio/translations", AUDIO, upload=True),
        # Open WebUI asks for these two without a key.
        AccessRule("/v1/audio/voices", public=True),
        AccessRule("/v1/audio/models", public=True),
    )
}
_ONE_MODEL = AccessRule("/v1/models/{id}")
_DEFAULT = AccessRule("other")
_PUBLIC_PREFIX = AccessRule("public", public=True)

PUBLIC_PATHS = frozenset(path for path, entry in _EXACT.items() if entry.public)


def access_rule_for(path: str, public_prefixes: Sequence[str] = ()) -> AccessRule:
    """The rule of ``path``. ``public_prefixes`` are paths that do their own access control, such as the widget."""
    entry = _EXACT.get(path)
    if entry is not None:
        return entry
    if path.startswith("/v1/models/"):
        return _ONE_MODEL
    if any(path.startswith(prefix) for prefix in public_prefixes):
        return _PUBLIC_PREFIX
    return _DEFAULT
