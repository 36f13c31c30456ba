"""Routes ``/faq/open-questions``: questions that neither the FAQ nor a model answered."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from deployments.administration.faq.open_questions import OpenQuestions, UnansweredQuestion
from deployments.api.admin.paging import Limit
from deployments.api.admin.request_bodies import AdminRequest
from deployments.api.admin.request_identity import Caller


class OpenQuestionList(BaseModel):
    questions: tuple[UnansweredQuestion, ...]


class CloseQuestionsBody(AdminRequest):
    turn_ids: list[Annotated[str, Field(max_length=100)]] = Field(min_length=1, max_length=500)


class ClosedQuestionsReply(BaseModel):
    closed: int


def open_questions_router(questions: OpenQuestions) -> APIRouter:
    """Must be included before the router of ``/faq``."""
    router = APIRouter(prefix="/faq/open-questions", tags=["faq"])

    @router.get("")
    async def newest(limit: Limit = 50) -> OpenQuestionList:
        """The open questions, the last asked first; equal words are one question."""
        return OpenQuestionList(questions=await questions.list(limit))

    @router.post("/close")
    async def close(body: CloseQuestionsBody, caller: Caller) -> ClosedQuestionsReply:
        """Dismisses the questions of these turns."""
        return ClosedQuestionsReply(closed=await questions.close(tuple(body.turn_ids), caller.username))

    return router
