"""HTTP bodies of FAQ entries."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, Field

from deployments.administration.faq.service import FaqDraft
from deployments.administration.office.drafts import Draft
from deployments.api.admin.request_bodies import AdminRequest, VersionedAdminRequest
from deployments.contracts.faq_entry import FaqEntry
from deployments.contracts.match_report import MatchReport, Refusal, Stage, StageState

MAX_LISTED_CHANGES = 1_000
FaqMatcher = Callable[[str, str | None], Awaitable[MatchReport]]
"""``await matcher(phrase, language)``; ``language`` None means unknown."""


class EntryBody(FaqDraft):
    """An FAQ entry. ``trigger`` and ``response`` are accepted for ``question`` and ``answer``."""

    question: str = Field(min_length=2, max_length=500, validation_alias=AliasChoices("question", "trigger"))
    answer: str = Field(min_length=1, max_length=4000, validation_alias=AliasChoices("answer", "response"))
    version: int | None = Field(default=None, ge=0, description="The version that was read; If-Match takes precedence")

    def draft(self) -> FaqDraft:
        return FaqDraft(**self.model_dump(exclude={"version"}, exclude_unset=True))


class AnswerChangeBody(VersionedAdminRequest):
    """The change of an entry that is identified by its question."""

    trigger: str | None = Field(default=None, min_length=2, max_length=500)
    response: str | None = Field(default=None, min_length=1, max_length=4000)


class MatchTestBody(Draft):
    text: str = Field(max_length=4_000)
    language: str | None = Field(default=None, pattern=r"^[a-z]{2,3}$")


class FaqMap(BaseModel):
    faq: dict[str, str]


class EntryPage(BaseModel):
    """``total`` counts all entries of the search, not only this page."""

    entries: list[FaqEntry]
    total: int
    limit: int
    offset: int


class EntryCountReply(BaseModel):
    status: Literal["ok"] = "ok"
    count: int


class EntryWrittenReply(BaseModel):
    status: Literal["ok"] = "ok"
    trigger: str
    entry: FaqEntry


class EntrySelectionBody(AdminRequest):
    action: Literal["enable", "disable", "delete"]
    ids: list[Annotated[int, Field(ge=1, le=2**31 - 1)]] = Field(min_length=1, max_length=1_000)


class EntrySelectionReply(BaseModel):
    """``changed`` counts the entries that were not so before."""

    status: Literal["ok"] = "ok"
    changed: int


class EntryDeletedReply(BaseModel):
    status: Literal["ok"] = "ok"
    deleted: str


class MatchCandidateReply(BaseModel):
    """A candidate. ``score`` is 0..100."""

    entry_id: int
    trigger: str
    response: str
    language: str
    rule: str
    score: float


class StageCandidateReply(MatchCandidateReply):
    """``refused`` says why the candidate does not answer: threshold, margin, nearer (another one is), negation, subject
    (the text names another thing, place or day), language."""

    refused: list[Refusal]


class StageReply(BaseModel):
    """One stage of the search: what it considered, best first. ``threshold``: the lowest score that answers.
    ``margin``: the lead that it needs over other answers. ``state`` says why it did not search: disabled, unavailable,
    length (the text is too short or too long)."""

    stage: Stage
    threshold: float
    margin: float
    state: StageState
    candidates: list[StageCandidateReply]


class MatchTestReply(BaseModel):
    """``match`` is the question that matched; ``rule`` is exact, keyword, ranked or meaning. ``stages`` are in the
    order of the search; ``candidates`` are those of the stages ranked and meaning together."""

    match: str | None
    response: str | None
    rule: str | None
    score: float | None
    entry: FaqEntry | None
    candidates: list[MatchCandidateReply]
    stages: list[StageReply]


class RejectedRowReply(BaseModel):
    """``field`` is the one that is wrong, "" for the whole row."""

    line: int
    error: str
    field: str


class ImportChangeReply(BaseModel):
    """``line`` is 0 for a deleted entry, which the file does not have."""

    line: int
    action: Literal["created", "updated", "deleted"]
    question: str
    language: str


class ImportReply(BaseModel):
    """How many entries were, or with ``applied`` false would be, created, updated, unchanged and deleted. ``changes``
    lists the first 1,000 of them."""

    applied: bool
    created: int
    updated: int
    unchanged: int
    deleted: int
    refused: list[RejectedRowReply]
    changes: list[ImportChangeReply]


class FaqStatisticsReply(BaseModel):
    """``never`` counts enabled entries without hits; ``top`` are the most used ones."""

    total: int
    enabled: int
    hits: int
    never: int
    languages: dict[str, int]
    top: list[FaqEntry]
