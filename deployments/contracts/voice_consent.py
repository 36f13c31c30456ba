"""Consents to cloned voices, as doors know them: which voices they cover and whether they are revoked."""

from datetime import datetime

from deployments.contracts.frozen_model import FrozenModel


class VoiceConsent(FrozenModel):
    """A consent of a person to the cloned ``voices``. It is valid until it is revoked."""

    id: str
    voices: tuple[str, ...] = ()
    given_at: datetime
    revoked_at: datetime | None = None
