"""Every area of the office's REST API."""

from dataclasses import dataclass

from fastapi import APIRouter

from deployments.administration.office.composition import OfficeServices
from deployments.administration.office.operations import OperationsServices
from deployments.api.admin.audit.routes import audit_router
from deployments.api.admin.auth.routes import auth_router
from deployments.api.admin.bots.routes import bots_router
from deployments.api.admin.bots.schemas import BotReportReader
from deployments.api.admin.chat.routes import chat_router
from deployments.api.admin.faq.files import faq_files_router
from deployments.api.admin.faq.routes import faq_router
from deployments.api.admin.faq.schemas import FaqMatcher
from deployments.api.admin.keys.routes import keys_router
from deployments.api.admin.llm.models import models_router
from deployments.api.admin.llm.personas import personas_router
from deployments.api.admin.llm.providers import chains_router, providers_router
from deployments.api.admin.operations_routers import operations_routers
from deployments.api.admin.overview import routes as overview
from deployments.api.admin.privacy.routes import privacy_router
from deployments.api.admin.server_sent_events import EventStreamSlots
from deployments.api.admin.settings.routes import settings_router
from deployments.api.admin.speech.office_speech import OfficeSpeech
from deployments.api.admin.speech.presets import phrase_cache_router, presets_router
from deployments.api.admin.speech.recognition import recognition_router
from deployments.api.admin.speech.streaming import streaming_router
from deployments.api.admin.speech.voices import InstalledVoices, voices_router
from deployments.api.admin.usage.routes import usage_router
from deployments.api.admin.users.routes import users_router
from deployments.api.admin.widgets.routes import widgets_router
from deployments.api.limits import StreamSlots
from deployments.contracts.engines import Assistant
from deployments.contracts.reports import SnapshotSource


@dataclass(frozen=True, slots=True)
class AdminServices:
    """What lies on the office's desk: its services, and how it reaches the engines and the bots."""

    office: OfficeServices
    operations: OperationsServices
    assistant: Assistant
    installed: InstalledVoices
    matcher: FaqMatcher
    bots: BotReportReader
    snapshots: SnapshotSource


def admin_routers(services: AdminServices) -> tuple[APIRouter, ...]:
    return (
        *_people(services.office),
        *_behaviour(services),
        *_speech(services),
        *_records(services),
        *_keeping(services),
    )


def _people(office: OfficeServices) -> tuple[APIRouter, ...]:
    return (auth_router(office.accounts, office.tokens), users_router(office.users), keys_router(office.keys))


def _behaviour(desk: AdminServices) -> tuple[APIRouter, ...]:
    office = desk.office
    return (
        settings_router(office.settings, office.publisher, office.report_ingest),
        faq_files_router(office.faq, office.faq_importer),
        faq_router(office.faq, office.publisher, desk.matcher),
        personas_router(office.personas, office.settings, office.publisher),
        models_router(office.settings, office.publisher, desk.assistant, office.providers),
        providers_router(office.providers),
        chains_router(office.chains),
        bots_router(office.bots, office.bot_sessions, desk.bots, desk.operations.logs),
        widgets_router(office.widgets),
    )


def _speech(desk: AdminServices) -> tuple[APIRouter, ...]:
    office, studio = desk.office, OfficeSpeech(desk.assistant, desk.snapshots, StreamSlots())
    return (
        presets_router(office.presets, office.settings, office.publisher),
        phrase_cache_router(office.voices, office.settings, office.publisher, desk.assistant),
        voices_router(office.voices, office.settings, office.publisher, studio, desk.installed),
        streaming_router(studio),
        recognition_router(studio, desk.snapshots),
    )


def _records(desk: AdminServices) -> tuple[APIRouter, ...]:
    office = desk.office
    return (
        chat_router(office.chat_sessions, office.dialogue, desk.assistant),
        privacy_router(office.privacy),
        audit_router(office.audit),
        usage_router(office.usage, office.publisher),
    )


def _keeping(desk: AdminServices) -> tuple[APIRouter, ...]:
    status = overview.build_router(desk.operations, desk.office.publisher, desk.assistant)
    return (status, *operations_routers(desk.operations, EventStreamSlots()))
