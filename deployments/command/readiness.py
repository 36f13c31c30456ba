"""Reads ``/ready`` of a running secretary and formats it for the terminal."""

from collections.abc import Iterator

import httpx
from pydantic import BaseModel, ConfigDict, SecretStr

from deployments.conversation.language_gaps import LanguageGap

_TIMEOUT_S = 5.0


class EngineReadiness(BaseModel):
    """One engine. ``failed_at`` is the time of its last failure in ISO 8601, None after a success."""

    model_config = ConfigDict(frozen=True)

    name: str
    ready: bool
    error: str | None = None
    progress: str | None = None
    failed_at: str | None = None
    remedy: str | None = None


class CloudReadiness(BaseModel):
    """A cloud route in use. ``state`` is short text, "configured" for one that could answer."""

    model_config = ConfigDict(frozen=True)

    route: str
    model: str = ""
    state: str


class Readiness(BaseModel):
    """``status`` is "ready" or "degraded". ``engines`` is None when the request had no API key. No model speaks the
    ``missing_languages``."""

    model_config = ConfigDict(frozen=True)

    ready: bool
    status: str
    engines: tuple[EngineReadiness, ...] | None = None
    clouds: tuple[CloudReadiness, ...] = ()
    missing_languages: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """The status, then a line for each engine with an error, each cloud route and each language without a model."""
        yield self.status if self.ready else "not ready yet"
        if self.ready and self.status != "ready":
            yield from self._engine_lines()
        for cloud in self.clouds:
            yield (
                f"  {cloud.route} ({cloud.model}): {cloud.state}" if cloud.model else f"  {cloud.route}: {cloud.state}"
            )
        for note in self.notes:
            yield f"  {note}"

    @property
    def notes(self) -> tuple[str, ...]:
        """A line for each language without a model, with the remedy."""
        return tuple(f"{gap.message}; remedy: {gap.advice}" for gap in map(LanguageGap, self.missing_languages))

    def _engine_lines(self) -> Iterator[str]:
        if self.engines is None:
            yield "  set SECRETARY_API_KEY to see which engine, the reason and the remedy"
        for engine in self.engines or ():
            if engine.error or not engine.ready:
                yield f"  {engine.name}: {_describe(engine)}"


def _describe(engine: EngineReadiness) -> str:
    when = f" (at {engine.failed_at})" if engine.failed_at else ""
    phase = f" ({engine.progress})" if engine.progress else ""
    return f"{engine.error or 'not ready'}{phase}{when}" + (f"; remedy: {engine.remedy}" if engine.remedy else "")


def fetch_readiness(url: str, key: SecretStr | None) -> Readiness:
    """Asks the secretary at ``url``. Raises httpx.HTTPError, and ValueError for an invalid reply."""
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
    reply = httpx.get(f"{url}/ready", headers=headers, timeout=_TIMEOUT_S, trust_env=False)
    return Readiness.model_validate_json(reply.content)


def fetch_notes(url: str) -> tuple[str, ...]:
    """The notes of the secretary at ``url``; none when it does not reply."""
    try:
        return fetch_readiness(url, None).notes
    except (httpx.HTTPError, ValueError):
        return ()
