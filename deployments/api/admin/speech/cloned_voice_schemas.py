"""Bodies and replies of cloned voices and of the consents to them."""

from dataclasses import asdict
from datetime import datetime

from pydantic import BaseModel, Field

from deployments.administration.speech.voice_files import SampleFile
from deployments.administration.speech.voice_samples import SampleCheck, SampleFinding
from deployments.api.admin.request_bodies import AdminRequest
from deployments.contracts.voice_library import StoredClonedVoice, StoredVoiceConsent


class VoiceConsentReply(BaseModel):
    """``recorded_by`` is the user or the API key that recorded it."""

    id: str
    person: str
    language: str
    wording: str
    seconds: float
    recorded_by: str
    version: int
    given_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str

    @classmethod
    def of(cls, consent: StoredVoiceConsent) -> "VoiceConsentReply":
        return cls(**{name: value for name, value in asdict(consent).items() if name in cls.model_fields})


class VoiceConsentList(BaseModel):
    consents: list[VoiceConsentReply]


class WordingReply(BaseModel):
    """What a person reads aloud to consent."""

    language: str
    wording: str


class ConsentNameBody(AdminRequest):
    person: str = Field(min_length=1, max_length=200)


class ConsentChoiceBody(AdminRequest):
    consent_id: str = Field(min_length=1, max_length=50)


class SampleReply(BaseModel):
    name: str
    seconds: float
    size_bytes: int


class ClonedVoiceReply(BaseModel):
    """``speaks``: its consent is valid, and an engine has found it (within a few seconds)."""

    id: str
    name: str
    consent_id: str
    consented: bool
    speaks: bool
    languages: list[str]
    seconds: float
    size_bytes: int
    owner: str
    created_at: datetime | None


class ClonedVoiceDetailReply(ClonedVoiceReply):
    samples: list[SampleReply]


class ClonedVoiceList(BaseModel):
    voices: list[ClonedVoiceReply]


class SampleFindingReply(BaseModel):
    """``measured`` and ``bound``: seconds (length, voice), Hz (rate), dB of full scale (level), dB below the speech
    (noise), a share (clipping), semitones (speakers, person). ``problem`` is empty when the check is passed."""

    check: SampleCheck
    measured: float
    bound: float
    problem: str


class SampleCheckReply(BaseModel):
    """``usable``: every check is passed."""

    usable: bool
    checks: list[SampleFindingReply]

    @classmethod
    def of(cls, findings: tuple[SampleFinding, ...]) -> "SampleCheckReply":
        checks = [SampleFindingReply.model_validate(asdict(each)) for each in findings]
        return cls(usable=not any(each.problem for each in findings), checks=checks)


def voice_reply(voice: StoredClonedVoice, consented: bool, installed: bool) -> ClonedVoiceReply:
    fields = asdict(voice) | {"languages": list(voice.languages)}
    return ClonedVoiceReply(**fields, consented=consented, speaks=consented and installed)


def sample_reply(sample: SampleFile) -> SampleReply:
    return SampleReply(name=sample.name, seconds=round(sample.seconds, 3), size_bytes=sample.size_bytes)
