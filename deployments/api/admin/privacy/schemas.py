"""Bodies and replies of ``/privacy``."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field

from deployments.administration.privacy.service import DataSubject, PersonalData, StoredConsent
from deployments.api.admin.chat.schemas import SessionDetailReply, SourceName
from deployments.api.admin.request_bodies import AdminRequest
from deployments.api.admin.speech.cloned_voice_schemas import VoiceConsentReply

PersonName = Annotated[str, Field(min_length=1, max_length=200)]


class DataSubjectQuery(AdminRequest):
    """A person. Without ``source`` and ``source_id`` all sources are searched. For callers of ``/v1`` (source api)
    ``person`` is the session id that they sent, ``source_id`` the id of their API key."""

    person: PersonName
    source: SourceName | None = None
    source_id: str | None = Field(default=None, max_length=100)

    def to_data_subject(self) -> DataSubject:
        return DataSubject(self.person, self.source, self.source_id)


class NewConsent(AdminRequest):
    person: PersonName
    source: SourceName
    source_id: str = Field(default="", max_length=100)
    kind: Literal["recording", "voice_clone", "storage"]
    wording: str = Field(default="", max_length=2_000)

    def to_consent(self) -> StoredConsent:
        return StoredConsent(self.source, self.person, self.kind, self.source_id, self.wording)


class ConsentReply(BaseModel):
    id: int
    source: str
    source_id: str
    person: str
    kind: str
    wording: str
    given_at: datetime | None
    withdrawn_at: datetime | None

    @classmethod
    def of(cls, consent: StoredConsent) -> Self:
        return cls(**asdict(consent))


class ConsentList(BaseModel):
    consents: list[ConsentReply]
    limit: int
    offset: int


class ExportedConversation(SessionDetailReply):
    """``mode`` is the mode that the person chose with a bot button."""

    person: str
    display_name: str
    mode: str


class PersonalDataExport(BaseModel):
    """All stored data of one person, without the audio of recordings."""

    person: str
    conversations: list[ExportedConversation]
    exchanges: list[dict[str, Any]]
    recordings: list[dict[str, Any]]
    consents: list[ConsentReply]
    voice_consents: list[VoiceConsentReply]

    @classmethod
    def of(cls, person: str, data: PersonalData) -> Self:
        return cls(
            person=person,
            conversations=[
                ExportedConversation(
                    **SessionDetailReply.of_thread(session, messages, {}).model_dump(),
                    person=session.person,
                    display_name=session.display_name,
                    mode=session.mode,
                )
                for session, messages in data.conversations
            ],
            exchanges=[exchange.model_dump(mode="json") for exchange in data.exchanges],
            recordings=[asdict(recording) for recording in data.recordings],
            consents=[ConsentReply.of(consent) for consent in data.consents],
            voice_consents=[VoiceConsentReply.of(consent) for consent in data.voice_consents],
        )


class ErasureReply(BaseModel):
    status: str = "ok"
    conversations: int
    exchanges: int
    recordings: int
    consents: int
    voice_consents: int


class FoundPersonReply(BaseModel):
    """``person``, ``source`` and ``source_id`` name the person in the other calls."""

    person: str
    source: str
    source_id: str
    display_name: str
    conversations: int
    last_seen: datetime | None


class PeopleReply(BaseModel):
    people: list[FoundPersonReply]
