"""A consent as people enter it."""

from typing import Annotated, Literal

from pydantic import Field

from deployments.administration.office.drafts import Draft
from storage.repositories.consents import StoredConsent

ConsentSource = Literal["telegram", "widget", "phone", "api", "admin"]
ConsentKind = Literal["recording", "voice_clone", "storage"]
PersonName = Annotated[str, Field(min_length=1, max_length=200)]


class ConsentDraft(Draft):
    """``wording`` is the text that the person agreed to."""

    person: PersonName
    source: ConsentSource
    source_id: str = Field(default="", max_length=100)
    kind: ConsentKind = "recording"
    wording: str = Field(default="", max_length=2_000)

    def to_consent(self) -> StoredConsent:
        return StoredConsent(self.source, self.person, self.kind, self.source_id, self.wording)
