"""Routers of FAQ entries over a real office."""

from datetime import UTC, datetime

import httpx

from deployments.administration.office.composition import OfficeServices
from deployments.answers.sentence_encoder import UniversalSentenceEncoder
from deployments.api.admin.faq.files import faq_files_router
from deployments.api.admin.faq.routes import faq_router
from deployments.contracts.match_report import MatchReport, StageReport
from deployments.conversation.faq_answers import (
    ExactAnswers,
    MeaningAnswers,
    RankedAnswers,
    SimilarAnswers,
    explain_match,
)


class RankedWithoutMeaning:
    """The FAQ deployment before it has encoded its entries."""

    def __init__(self, answers: SimilarAnswers) -> None:
        self._answers = answers

    async def explain(self, text: str, locale: str | None) -> tuple[StageReport, ...]:
        return self._answers.explain(text, locale, 5)


async def match_phrase(office: OfficeServices, phrase: str, language: str | None) -> MatchReport:
    snapshot = office.publisher.current
    exact, ranked = ExactAnswers(_now), RankedAnswers(_now)
    exact.prepare(snapshot)
    ranked.prepare(snapshot)
    similar = SimilarAnswers(ranked, MeaningAnswers(_now, UniversalSentenceEncoder()))
    return await explain_match(exact, RankedWithoutMeaning(similar), phrase, language)


def _now() -> datetime:
    return datetime.now(UTC)


def faq_routers(office: OfficeServices):
    async def match(phrase: str, language: str | None):
        return await match_phrase(office, phrase, language)

    return [
        faq_files_router(office.faq, office.faq_importer),
        faq_router(office.faq, office.publisher, match),
    ]


async def create_entry(client: httpx.AsyncClient, **fields: object) -> dict:
    reply = await client.post("/faq", json=fields)
    assert reply.status_code == 201, reply.text
    return reply.json()["entry"]
