"""Routes of ready answers: texts that are spoken before they are asked for, with their states."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from deployments.administration.audit.audit_recorder import AuditRecorder
from deployments.administration.speech.ready_answers import ReadyAnswerAdministration
from deployments.api.admin.request_identity import Caller
from deployments.conversation.ready.maker import PhraseState, ReadyAnswers, ReadyAnswerState
from deployments.conversation.ready.wanted import Source


class ReadyAnswerReply(BaseModel):
    """``id`` is that of the FAQ entry, persona, bot or widget, or the language of a filler. ``phrases`` counts
    those of all voices."""

    source: Source
    id: str
    title: str
    language: str
    voices: list[str]
    state: PhraseState
    phrases: int
    phrases_ready: int
    bytes: int
    error: str

    @classmethod
    def of(cls, state: ReadyAnswerState) -> "ReadyAnswerReply":
        answer = state.answer
        return cls(
            source=answer.source,
            id=answer.id,
            title=answer.title,
            language=answer.language,
            voices=list(answer.voices),
            state=state.state,
            phrases=state.phrases,
            phrases_ready=state.ready,
            bytes=state.size,
            error=state.error,
        )


class ReadyAnswerList(BaseModel):
    """``phrases`` counts phrases by state. ``problem`` says why nothing is made now."""

    answers: list[ReadyAnswerReply]
    total: int
    phrases: dict[PhraseState, int]
    bytes: int
    max_bytes: int = Field(description="speech.ready_answers_mb; 0: nothing is kept ready")
    problem: str


class ReadyAnswersRemoved(BaseModel):
    """The removed phrases are made again."""

    removed: int


def ready_answers_router(ready: ReadyAnswers, recorder: AuditRecorder) -> APIRouter:
    router = APIRouter(prefix="/tts/ready-answers", tags=["tts"])
    administration = ReadyAnswerAdministration(ready, recorder)

    @router.get("")
    async def every(
        state: Annotated[PhraseState | None, Query()] = None,
        limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
        offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    ) -> ReadyAnswerList:
        """What is kept ready, and what is missing. The state of an answer is that of its last phrase."""
        found = [each for each in ready.answers() if state in (None, each.state)]
        return ReadyAnswerList(
            answers=[ReadyAnswerReply.of(each) for each in found[offset : offset + limit]],
            total=len(found),
            phrases=ready.counts(),
            bytes=ready.size,
            max_bytes=ready.max_size,
            problem=ready.problem,
        )

    @router.delete("")
    async def clear(caller: Caller) -> ReadyAnswersRemoved:
        """Removes every phrase; they are made again when no listener waits."""
        return ReadyAnswersRemoved(removed=await administration.clear(caller.username))

    @router.post("/{source}/{id}/remake")
    async def remake(source: Source, id: Annotated[str, Path(max_length=100)], caller: Caller) -> ReadyAnswersRemoved:
        """Makes one answer again. 404 when it is not kept ready."""
        return ReadyAnswersRemoved(removed=await administration.remake(source, id, caller.username))

    return router
