"""The whole desk of an office: real services, a real secretary on scripted engines, nobody else in the house."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace

from fastapi import APIRouter

from bots.status import BotStatus
from deployments.administration.office import Office
from deployments.administration.operations import Surroundings, open_operations
from deployments.answers.ranking import Ranking
from deployments.api.admin.audit.routes import audit_router
from deployments.api.admin.auth.routes import auth_router
from deployments.api.admin.keys.routes import keys_router
from deployments.api.admin.routers import Desk, office_routers
from deployments.api.admin.settings.routes import settings_router
from deployments.api.admin.usage.routes import usage_router
from deployments.api.admin.users.routes import users_router
from deployments.contracts.services import DeploymentFacts
from deployments.conversation.prepared import ExactAnswers
from storage.environment import Environment
from tests.api.admin.office import PublishedSnapshots
from tests.api.admin.staff import secretary


def records_and_people(office: Office) -> tuple[APIRouter, ...]:
    """The areas that need nothing but the office."""
    return (
        auth_router(office.accounts, office.tokens),
        users_router(office.users),
        keys_router(office.keys),
        audit_router(office.audit),
        usage_router(office.usage, office.publisher),
        settings_router(office.settings, office.publisher, office.reports),
    )


class EmptyCluster:
    """A cluster in which nothing runs."""

    async def deployments(self) -> tuple[DeploymentFacts, ...]:
        return ()


async def no_bots() -> tuple[BotStatus, ...]:
    return ()


@asynccontextmanager
async def every_router(office: Office, environment: Environment) -> AsyncIterator[tuple[APIRouter, ...]]:
    assistant = await secretary(office)

    async def match(phrase: str, language: str | None) -> SimpleNamespace:
        snapshot = office.publisher.current
        exact = ExactAnswers(lambda: datetime.now(UTC))
        exact.prepare(snapshot)
        ranking = Ranking(snapshot.faq, snapshot.settings.faq, snapshot.settings.time_zone, lambda: datetime.now(UTC))
        near = tuple(candidate.match for candidate in ranking.candidates(phrase, language))
        return SimpleNamespace(match=exact.lookup(phrase, language) or ranking.match(phrase, language), candidates=near)

    surroundings = Surroundings(
        data=environment.data,
        models=environment.models_dir,
        cluster=EmptyCluster(),
        services={"chat": "chat", "voice": "speech"},
        queues=dict,
        exposition=lambda: b"",
        environment={},
    )
    operations = await open_operations(office, surroundings)
    try:
        yield office_routers(
            Desk(
                office=office,
                operations=operations,
                assistant=assistant,
                installed=assistant.installed_voices,
                matcher=match,
                bots=no_bots,
                snapshots=PublishedSnapshots(office),
            )
        )
    finally:
        await operations.close()
