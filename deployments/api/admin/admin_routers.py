"""Builds the routers of the office's REST API."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from fastapi import APIRouter

from deployments.administration.bots.process_reports import BotReportReader
from deployments.administration.bots.token_check import BotTokenChecks
from deployments.administration.llm.provider_test import ProviderTest
from deployments.administration.office.composition import OfficeServices
from deployments.administration.office.operations import OperationsServices
from deployments.administration.proxies.proxy_test import ProxyCoreState, ProxyTest
from deployments.api.admin.audit.routes import audit_router
from deployments.api.admin.auth.routes import auth_router
from deployments.api.admin.bots.routes import bots_router
from deployments.api.admin.chat.recordings import recordings_router
from deployments.api.admin.chat.routes import chat_router
from deployments.api.admin.configuration.routes import configuration_router
from deployments.api.admin.faq.files import faq_files_router
from deployments.api.admin.faq.open_questions import open_questions_router
from deployments.api.admin.faq.routes import faq_router
from deployments.api.admin.faq.schemas import FaqMatcher
from deployments.api.admin.keys.routes import keys_router
from deployments.api.admin.llm.models import models_router
from deployments.api.admin.llm.personas import personas_router
from deployments.api.admin.llm.providers import chains_router, providers_router
from deployments.api.admin.operations_routers import operations_routers
from deployments.api.admin.overview import routes as overview
from deployments.api.admin.privacy.routes import privacy_router
from deployments.api.admin.proxies.routes import ProxyServices, proxies_router
from deployments.api.admin.server_sent_events import EventStreamSlots
from deployments.api.admin.settings.routes import settings_router
from deployments.api.admin.speech.cloned_voices import cloned_voices_router, voice_consents_router
from deployments.api.admin.speech.listening import listening_router
from deployments.api.admin.speech.office_speech import OfficeSpeech
from deployments.api.admin.speech.presets import phrase_cache_router, presets_router
from deployments.api.admin.speech.pronunciations import pronunciations_router
from deployments.api.admin.speech.ready_answers import ready_answers_router
from deployments.api.admin.speech.recognition import recognition_router
from deployments.api.admin.speech.streaming import streaming_router
from deployments.api.admin.speech.voices import InstalledVoices, voices_router
from deployments.api.admin.speech.xtts_parameters import xtts_parameters_router
from deployments.api.admin.usage.activity import activity_router
from deployments.api.admin.usage.routes import usage_router
from deployments.api.admin.users.routes import users_router
from deployments.api.admin.widgets.routes import widgets_router
from deployments.api.limits import StreamSlots
from deployments.contracts.concurrency import Slot
from deployments.contracts.engines import Assistant
from deployments.contracts.reports import SnapshotSource
from deployments.conversation.ready.maker import ReadyAnswers


@dataclass(frozen=True, slots=True)
class AdminServices:
    """Services that the routers use: the office, its operations, the engines and the bots. ``stream_slots`` count the
    live streams of the office, which the panel shares."""

    office: OfficeServices
    operations: OperationsServices
    assistant: Assistant
    installed: InstalledVoices
    matcher: FaqMatcher
    bots: BotReportReader
    snapshots: SnapshotSource
    test_provider: ProviderTest
    ready_answers: ReadyAnswers
    test_proxy: ProxyTest
    proxy_core: Callable[[], Awaitable[ProxyCoreState]]
    bot_token_checks: BotTokenChecks
    stream_slots: StreamSlots = field(default_factory=StreamSlots)

    def stream_slot(self) -> Slot[int]:
        """One of the live streams of the office. Raises TooManyStreams."""
        return self.stream_slots.acquire(self.snapshots.current.settings.limits.max_live_streams)


def admin_routers(services: AdminServices) -> tuple[APIRouter, ...]:
    """Returns the routers of all areas."""
    return (
        *_account_routers(services.office),
        *_configuration_routers(services),
        *_speech_routers(services),
        *_record_routers(services),
        *_operations_routers(services),
    )


def _account_routers(office: OfficeServices) -> tuple[APIRouter, ...]:
    return (auth_router(office.accounts, office.tokens), users_router(office.users), keys_router(office.keys))


def _configuration_routers(services: AdminServices) -> tuple[APIRouter, ...]:
    office = services.office
    return (
        settings_router(office.settings, office.publisher, office.report_ingest, office.settings_history),
        faq_files_router(office.faq, office.faq_importer),
        open_questions_router(office.open_questions),
        faq_router(office.faq, office.publisher, services.matcher),
        personas_router(office.personas, office.settings, office.publisher),
        models_router(
            office.settings,
            office.publisher,
            services.assistant,
            office.providers,
            services.operations.local_models,
        ),
        providers_router(office.providers, services.test_provider),
        chains_router(office.chains),
        proxies_router(ProxyServices(office.proxies, services.proxy_core, services.test_proxy, EventStreamSlots())),
        bots_router(
            office.bots, office.bot_sessions, services.bots, services.operations.logs, services.bot_token_checks
        ),
        widgets_router(office.widgets),
        configuration_router(office.transfer),
    )


def _speech_routers(services: AdminServices) -> tuple[APIRouter, ...]:
    office, speech = services.office, OfficeSpeech(services.assistant, services.snapshots, services.stream_slots)
    return (
        presets_router(office.presets, office.settings, office.publisher),
        xtts_parameters_router(office.presets, office.settings, office.publisher),
        phrase_cache_router(office.voices, office.settings, office.publisher, services.assistant),
        cloned_voices_router(office.cloned_voices, office.publisher, services.installed),
        voice_consents_router(office.voice_consents),
        pronunciations_router(office.voices, office.publisher, services.installed, services.assistant),
        voices_router(office.voices, office.settings, office.publisher, speech, services.installed),
        ready_answers_router(services.ready_answers, services.operations.audit_recorder),
        streaming_router(speech),
        recognition_router(speech),
        listening_router(speech),
    )


def _record_routers(services: AdminServices) -> tuple[APIRouter, ...]:
    office = services.office
    return (
        chat_router(office.chat_sessions, office.dialogue, services.assistant),
        recordings_router(office.recordings),
        privacy_router(office.privacy),
        audit_router(office.audit),
        usage_router(office.usage, office.publisher),
        activity_router(office.activity),
    )


def _operations_routers(services: AdminServices) -> tuple[APIRouter, ...]:
    status = overview.build_router(services.operations, services.office.publisher, services.assistant)
    return (status, *operations_routers(services.operations, EventStreamSlots()))
