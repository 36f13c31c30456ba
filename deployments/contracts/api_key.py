"""API keys of doors and their limits."""

from datetime import datetime

from pydantic import Field

from deployments.contracts.frozen_model import FrozenModel


class KeyLimits(FrozenModel):
    """Limits of one API key. 0 means no limit. Days are UTC.

    Each door process counts requests and streams by itself. Daily budgets are counted over all doors; a door learns of
    the usage of others within about a second, so running requests can exceed a budget.
    """

    requests_per_minute: int = Field(
        default=0, ge=0, le=1_000_000, description="Replaces limits.requests_per_minute; 0 keeps it"
    )
    tokens_per_day: int = Field(default=0, ge=0, le=10**12, description="Tokens read and written by language models")
    audio_seconds_per_day: int = Field(
        default=0, ge=0, le=10**9, description="Seconds of audio synthesised or transcribed"
    )
    cost_per_day: float = Field(
        default=0, ge=0, le=10**9, description="US dollars spent on cloud providers, by their price lists"
    )
    concurrent_streams: int = Field(
        default=0, ge=0, le=10_000, description="Concurrent answers and speech requests; also concurrent phone lines"
    )


class ApiKey(FrozenModel):
    """A credential of ``/v1``; only its SHA-256 leaves the office. ``prefix`` is shown to people."""

    id: int
    name: str
    prefix: str
    digest: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the key, hex")
    scopes: tuple[str, ...] = ("chat", "audio", "metrics")
    limits: KeyLimits = KeyLimits()
    owner: str = Field(default="", max_length=100, description="Owner of the key")
    expires_at: datetime | None = None
