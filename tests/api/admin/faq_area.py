"""Routers of FAQ entries over a real office."""

from datetime import UTC, datetime
from types import SimpleNamespace

import httpx

from deployments.administration.office.composition import OfficeServices
from deployments.answers.ranking import Ranking
from deployments.api.admin.faq.files import faq_files_router
from deployments.api.admin.faq.routes import faq_router
from deployments.conversation.faq_answers import ExactAnswers


def faq_routers(office: OfficeServices):
    async def match(phrase: str, language: str | None):
        snapshot = office.publisher.current
        exact = ExactAnswers(lambda: datetime.now(UTC))
        exact.prepare(snapshot)
        ranking = Ranking(snapshot.faq, snapshot.settings.faq, snapshot.settings.time_zone, lambda: datetime.now(UTC))
        near = tuple(candidate.match for candidate in ranking.candidates(phrase, language))
        found = exact.lookup(phrase, language) or ranking.match(phrase, language)
        return SimpleNamespace(match=found, candidates=near)

    return [
        faq_files_router(office.faq, office.faq_importer),
        faq_router(office.faq, office.publisher, match),
    ]


async def create_entry(client: httpx.AsyncClient, **fields: object) -> dict:
    reply = await client.post("/faq", json=fields)
    assert reply.status_code == 201, reply.text
    return reply.json()["entry"]
