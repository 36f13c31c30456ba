"""Every area of the office's REST API."""

from dataclasses import dataclass

from fastapi import APIRouter

from deployments.administration.office import Office
from deployments.administration.operations import Operations
from deployments.api.admin.audit.routes import audit_router
from deployments.api.admin.auth.routes import auth_router
from deployments.api.admin.chat.routes import chat_router
from deployments.api.admin.events import EventSlots
from deployments.api.admin.faq.files import faq_files_router
from deployments.api.admin.faq.routes import faq_router
from deployments.api.admin.faq.schemas import Matcher
from deployments.api.admin.keys.routes import keys_router
from deployments.api.admin.llm.models import models_router
from deployments.api.admin.llm.personas import personas_router
from deployments.api.admin.llm.providers import chains_router, providers_router
from deployments.api.admin.operations import build_routers
from deployments.api.admin.overview import routes as overview
from deployments.api.admin.privacy.routes import privacy_router
from deployments.api.admin.settings.routes import settings_router
from deployments.api.admin.stt.routes import stt_router
from deployments.api.admin.telegram.routes import telegram_router
from deployments.api.admin.telegram.schemas import BotReports
from deployments.api.admin.tts.presets import cache_router, presets_router
from deployments.api.admin.tts.streaming import streaming_router
from deployments.api.admin.tts.studio import Studio
from deployments.api.admin.tts.voices import Installed, voices_router
from deployments.api.admin.usage.routes import usage_router
from deployments.api.admin.users.routes import users_router
from deployments.api.admin.widget.routes import widget_router
from deployments.api.limits import StreamSlots
from deployments.contracts.engines import Assistant
from deployments.contracts.reports import SnapshotSource


@dataclass(frozen=True, slots=True)
class Desk:
    """What lies on the office's desk: its services, and how it reaches the engines and the bots."""

    office: Office
    operations: Operations
    assistant: Assistant
    installed: Installed
    matcher: Matcher
    bots: BotReports
    snapshots: SnapshotSource


def office_routers(desk: Desk) -> tuple[APIRouter, ...]:
    return (*_people(desk.office), *_behaviour(desk), *_speech(desk), *_records(desk), *_keeping(desk))


def _people(office: Office) -> tuple[APIRouter, ...]:
    return (auth_router(office.accounts, office.tokens), users_router(office.users), keys_router(office.keys))


def _behaviour(desk: Desk) -> tuple[APIRouter, ...]:
    office = desk.office
    return (
        settings_router(office.settings, office.publisher, office.reports),
        faq_files_router(office.faq, office.faq_import),
        faq_router(office.faq, office.publisher, desk.matcher),
        personas_router(office.personas, office.settings, office.publisher),
        models_router(office.settings, office.publisher, desk.assistant, office.providers),
        providers_router(office.providers),
        chains_router(office.chains),
        telegram_router(office.bots, office.bot_sessions, desk.bots, desk.operations.logs),
        widget_router(office.widgets),
    )


def _speech(desk: Desk) -> tuple[APIRouter, ...]:
    office, studio = desk.office, Studio(desk.assistant, desk.snapshots, StreamSlots())
    return (
        presets_router(office.presets, office.settings, office.publisher),
        cache_router(office.voices, office.settings, office.publisher, desk.assistant),
        voices_router(office.voices, office.settings, office.publisher, studio, desk.installed),
        streaming_router(studio),
        stt_router(studio, desk.snapshots),
    )


def _records(desk: Desk) -> tuple[APIRouter, ...]:
    office = desk.office
    return (
        chat_router(office.chats, office.dialogue, desk.assistant),
        privacy_router(office.privacy),
        audit_router(office.audit),
        usage_router(office.usage, office.publisher),
    )


def _keeping(desk: Desk) -> tuple[APIRouter, ...]:
    status = overview.build_router(desk.operations, desk.office.publisher, desk.assistant)
    return (status, *build_routers(desk.operations, EventSlots()))
