"""HTTP bodies of FAQ entries."""

from collections.abc import Awaitable, Callable
from typing import Literal

from pydantic import AliasChoices, BaseModel, Field

from deployments.administration.faq.service import FaqDraft
from deployments.administration.office.drafts import Draft
from deployments.api.admin.request_bodies import VersionedAdminRequest
from deployments.contracts.faq_entry import FaqEntry
from deployments.contracts.match_report import MatchReport, Refusal, Stage, StageState

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
    line: int
    error: str


class ImportReply(BaseModel):
    """How many entries were, or with ``applied`` false would be, created, updated, unchanged and deleted."""

    applied: bool
    created: int
    updated: int
    unchanged: int
    deleted: int
    refused: list[RejectedRowReply]


class FaqStatisticsReply(BaseModel):
    """``never`` counts enabled entries without hits; ``top`` are the most used ones."""

    total: int
    enabled: int
    hits: int
    never: int
    languages: dict[str, int]
    top: list[FaqEntry]
