"""All admin routers over a real office, with a secretary on scripted engines and an empty cluster."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import APIRouter

from bots.bot_status import BotStatus
from deployments.administration.bots.token_check import BotTokenChecks
from deployments.administration.llm.provider_test import ProviderTestResult
from deployments.administration.office.composition import OfficeServices
from deployments.administration.office.operations import OperationsDependencies, open_operations
from deployments.administration.proxies.proxy_test import ProxyCoreState, ProxyTestResult
from deployments.api.admin.admin_routers import AdminServices, admin_routers
from deployments.api.admin.audit.routes import audit_router
from deployments.api.admin.auth.routes import auth_router
from deployments.api.admin.faq.open_questions import open_questions_router
from deployments.api.admin.keys.routes import keys_router
from deployments.api.admin.settings.routes import settings_router
from deployments.api.admin.usage.activity import activity_router
from deployments.api.admin.usage.routes import usage_router
from deployments.api.admin.users.routes import users_router
from deployments.bot_api_request import BotApiRequest
from deployments.contracts.match_report import MatchReport
from deployments.contracts.providers import ProviderSpec
from deployments.contracts.services import DeploymentDetails
from deployments.conversation.assistant import ConversationAssistant
from deployments.conversation.ready.maker import ReadyAnswers
from deployments.conversation.ready.phrase_store import PhraseStore
from deployments.outbound.policy import OutboundPolicy
from proxies.core_binary import CoreBinary
from proxies.errors import CoreMissing
from proxies.links import ProxyLink, masked_host
from storage.environment import Environment
from tests.api.admin.admin_client import OfficeSnapshots
from tests.api.admin.faq_area import match_phrase
from tests.api.admin.scripted_secretary import scripted_secretary


def office_only_routers(office: OfficeServices) -> tuple[APIRouter, ...]:
    """Routers that need only the office."""
    return (
        auth_router(office.accounts, office.tokens),
        users_router(office.users),
        keys_router(office.keys),
        audit_router(office.audit),
        usage_router(office.usage, office.publisher),
        activity_router(office.activity),
        open_questions_router(office.open_questions),
        settings_router(office.settings, office.publisher, office.report_ingest, office.settings_history),
    )


class EmptyCluster:
    """A cluster in which nothing runs."""

    async def deployments(self) -> tuple[DeploymentDetails, ...]:
        return ()


async def untested(spec: ProviderSpec) -> ProviderTestResult:
    return ProviderTestResult(available=False, message=f"{spec.name} is not tested here")


async def no_proxy_test(links: Sequence[ProxyLink], url: str) -> AsyncGenerator[ProxyTestResult]:
    for index, link in enumerate(links):
        host = masked_host(link)
        yield ProxyTestResult(
            proxy_index=index, proxy_remark=link.name, kind=link.kind, host=host, success=False, target=url
        )


async def no_core() -> ProxyCoreState:
    return ProxyCoreState(installed=False, error="not here")


async def no_bots() -> tuple[BotStatus, ...]:
    return ()


def token_checks(office: OfficeServices) -> BotTokenChecks:
    """Checks that ask the Bot API server of a test, which the outbound settings must allow."""

    def find() -> CoreBinary:
        raise CoreMissing("not here")

    def policy() -> OutboundPolicy:
        return OutboundPolicy.from_settings(office.publisher.current.settings.outbound)

    return BotTokenChecks(office.database, office.bots, office.sealer, BotApiRequest(find, policy))


def ready_answers_of(assistant: ConversationAssistant, directory: Path) -> ReadyAnswers:
    """Ready answers that nobody makes unless a test calls ``work``."""
    return ReadyAnswers(assistant.ready_answers_engines(tuple), PhraseStore(directory))


def empty_surroundings(environment: Environment) -> OperationsDependencies:
    """Operations without a cluster, of one chat and one speech engine."""
    return OperationsDependencies(
        data=environment.data,
        models=environment.models_dir,
        cluster=EmptyCluster(),
        services={"chat": "chat", "voice": "speech"},
        queues=dict,
        exposition=lambda: b"",
        environment={},
    )


@asynccontextmanager
async def all_services(office: OfficeServices, environment: Environment) -> AsyncIterator[AdminServices]:
    """The services of the office around scripted engines."""
    assistant = await scripted_secretary(office)

    async def match(phrase: str, language: str | None) -> MatchReport:
        return await match_phrase(office, phrase, language)

    operations = await open_operations(office, empty_surroundings(environment))
    try:
        yield AdminServices(
            office=office,
            operations=operations,
            assistant=assistant,
            installed=assistant.installed_voices,
            matcher=match,
            bots=no_bots,
            snapshots=OfficeSnapshots(office),
            test_provider=untested,
            ready_answers=ready_answers_of(assistant, environment.data / "ready-answers"),
            test_proxy=no_proxy_test,
            proxy_core=no_core,
            bot_token_checks=token_checks(office),
        )
    finally:
        await operations.close()


@asynccontextmanager
async def all_routers(office: OfficeServices, environment: Environment) -> AsyncIterator[tuple[APIRouter, ...]]:
    async with all_services(office, environment) as services:
        yield admin_routers(services)
