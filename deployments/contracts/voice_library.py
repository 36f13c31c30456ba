"""Consents to cloned voices and the voices, as doors that accept uploads see them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from deployments.contracts.memory_file import MemoryFileReference

VoiceUpload = MemoryFileReference | bytes
"""An uploaded recording: a file in the memory of this machine, or its content."""


@dataclass(frozen=True, slots=True)
class NewVoiceConsent:
    """``person`` read ``wording`` aloud; "" is the usual wording of ``language`` (BCP 47)."""

    person: str
    language: str
    recording: VoiceUpload
    wording: str = ""


@dataclass(frozen=True, slots=True)
class NewClonedVoice:
    """``id`` "" is made of the name. ``languages`` empty: all that the engine speaks."""

    name: str
    consent_id: str
    sample: VoiceUpload
    id: str = ""
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredVoiceConsent:
    """A consent. ``recording`` is the path of what was read, relative to the data folder. ``owner`` is the API key that
    recorded it (``key 3``), "" the panel. ``pitch_hz`` 0: not known."""

    id: str
    person: str
    language: str
    wording: str
    recorded_by: str
    recording: str = ""
    seconds: float = 0.0
    pitch_hz: float = 0.0
    owner: str = ""
    version: int = 1
    given_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str = ""


@dataclass(frozen=True, slots=True)
class StoredClonedVoice:
    """A cloned voice. ``seconds`` and ``size_bytes`` are those of its samples; ``owner`` as in the consent."""

    id: str
    consent_id: str
    name: str
    languages: tuple[str, ...] = ()
    seconds: float = 0.0
    size_bytes: int = 0
    owner: str = ""
    created_at: datetime | None = None


class VoiceLibrary(Protocol):
    """What a door may do for an API key. ``owner`` is the key: it sees and changes only what it recorded itself.

    Raises InvalidRequest, UnsupportedAudio, NotFound, Conflict, Overloaded, Unavailable.
    """

    async def add_consent(self, consent: NewVoiceConsent, owner: str) -> StoredVoiceConsent: ...

    async def consents(self, owner: str) -> tuple[StoredVoiceConsent, ...]:
        """Those that are not revoked, the newest first."""
        ...

    async def rename_consent(self, consent_id: str, person: str, owner: str) -> StoredVoiceConsent: ...

    async def revoke_consent(self, consent_id: str, owner: str) -> None: ...

    async def add_voice(self, voice: NewClonedVoice, owner: str) -> StoredClonedVoice: ...

    async def delete_voice(self, voice_id: str, owner: str) -> None: ...
