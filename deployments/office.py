"""The control plane: it owns the database, streams snapshots and serves the panel. Exactly one replica."""

import os
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from ray import serve
from starlette.types import ASGIApp

from deployments import names
from deployments.administration.bots.token_check import BotTokenChecks
from deployments.administration.office.composition import open_office
from deployments.administration.office.operations import OperationsDependencies, open_operations
from deployments.administration.services.service_control import ServiceAction, ServiceActionResult
from deployments.administration.speech.key_voice_library import KeyVoiceLibrary
from deployments.api.admin.admin_routers import AdminServices, admin_routers
from deployments.api.admin.app import AdminApp, GateDependencies
from deployments.arguments import OfficeArgs, UsedEngineArgs
from deployments.bot_api_request import BotApiRequest
from deployments.clients import BotsClient
from deployments.contracts.chat import TurnSource
from deployments.contracts.match_report import MatchReport
from deployments.contracts.outbound import parse_allowed_hosts
from deployments.contracts.reports import DoorReport, ReportAcknowledgement
from deployments.contracts.services import DesiredServiceState, ReplicaReport
from deployments.contracts.sessions import Conversation, HeardMessage
from deployments.contracts.snapshot import Snapshot, SnapshotChange
from deployments.contracts.streams import Closing
from deployments.contracts.voice_library import (
    NewClonedVoice,
    NewVoiceConsent,
    StoredClonedVoice,
    StoredVoiceConsent,
)
from deployments.conversation.faq_answers import ExactAnswers, explain_match
from deployments.conversation.snapshot_stream import encode_snapshots
from deployments.door_runtime import DoorRuntime, EngineHandles
from deployments.faq_client import FaqClient
from deployments.hosting import host_door
from deployments.outbound.policy import OutboundPolicy
from deployments.process_metrics import open_metrics
from deployments.provider_test import ProviderTester
from deployments.proxy_pools import core_finder
from deployments.proxy_test import ProxyTester, describe_core
from deployments.remote import RemoteDeployment
from deployments.serve_view import ServeView
from storage.environment import Environment
from storage.secrets import read_or_create_secret

_MAX_MESSAGE_BYTES = 2 << 20
"""The longest text that can be spoken, with every character escaped in JSON."""


def engine_services(used: UsedEngineArgs) -> dict[str, str]:
    """The deployments that an administrator can stop: name -> kind."""
    optional = (
        (names.RECOGNITION, "recognition", used.recognition),
        (names.FAQ, "answers", used.faq),
    )
    kinds = {name: kind for name, kind, is_used in optional if is_used}
    return dict.fromkeys(used.chats, "chat") | kinds | dict.fromkeys(used.voices, "speech")


class OfficeServer:
    """Serve deployment around ``OfficeServices`` and the panel."""

    def __init__(self, args: OfficeArgs, metrics_dir: Path) -> None:
        self._args = args
        self._handles = EngineHandles.by_name(args.staff)
        self._metrics_dir = metrics_dir
        self._engines = engine_services(args.staff)
        self._ranked = FaqClient(self._handles.faq) if self._handles.faq else None
        self._bots = BotsClient(RemoteDeployment.by_name(names.BOTS_APP, names.BOTS))
        self._cluster = ServeView()
        self._exact = ExactAnswers(lambda: datetime.now(UTC))

    async def start(self) -> None:
        self._environment = Environment()
        self._office = await open_office(self._environment, local_models=self._args.staff.chats)
        self._runtime = DoorRuntime(self._handles, self._office, "office", open_metrics(self._metrics_dir))
        await self._runtime.start()
        self._operations = await open_operations(self._office, self._operations_dependencies())
        self._ready_answers = self._runtime.ready_answers()
        self._ready_answers.start()
        installed = self._runtime.unmetered_assistant.installed_voices
        self._library = KeyVoiceLibrary(self._office.voice_consents, self._office.cloned_voices, installed)

    def __serve_build_asgi_app__(self) -> ASGIApp:
        from ui.panel import mount_panel
        from ui.panel_services import PanelServices

        office, runtime = self._office, self._runtime
        admin_services = AdminServices(
            office=office,
            operations=self._operations,
            assistant=runtime.assistant,
            installed=runtime.unmetered_assistant.installed_voices,
            matcher=self._match_phrase,
            bots=self._bots.statuses,
            snapshots=runtime.snapshots,
            test_provider=ProviderTester(runtime.clouds),
            ready_answers=self._ready_answers,
            test_proxy=ProxyTester(core_finder(self._environment), self._outbound_policy),
            proxy_core=partial(describe_core, core_finder(self._environment)),
            bot_token_checks=BotTokenChecks(
                office.database,
                office.bots,
                office.sealer,
                BotApiRequest(core_finder(self._environment), self._outbound_policy),
            ),
        )
        gate = GateDependencies(office.tokens, runtime.snapshots, runtime.metrics)
        app = AdminApp(gate, admin_routers(admin_services))
        panel_services = PanelServices(
            office=office,
            operations=self._operations,
            assistant=runtime.assistant,
            matcher=self._match_phrase,
            installed_voices=admin_services.installed,
            bots=self._bots.statuses,
            test_provider=admin_services.test_provider,
            ready_answers=self._ready_answers,
            test_proxy=admin_services.test_proxy,
            proxy_core=admin_services.proxy_core,
            bot_token_checks=admin_services.bot_token_checks,
            stream_slot=admin_services.stream_slot,
            public_url=self._environment.public_url,
        )
        secret = read_or_create_secret(self._environment.storage_secret_path).hex()
        mount_panel(app, panel_services, storage_secret=secret, secure_cookie=self._environment.reached_by_tls)
        return app

    def _outbound_policy(self) -> OutboundPolicy:
        return OutboundPolicy.from_settings(self._office.publisher.current.settings.outbound)

    async def snapshots(self, after_revision: int, subscriber: str) -> AsyncGenerator[Snapshot | SnapshotChange]:
        async with Closing(encode_snapshots(self._office.snapshots(after_revision, subscriber))) as items:
            async for item in items:
                yield item

    async def report(self, report: DoorReport) -> ReportAcknowledgement:
        return await self._office.report(report)

    async def heartbeat(self, report: ReplicaReport) -> DesiredServiceState:
        desired = self._operations.replica_registry.handle_report(report)
        await self._operations.local_models.switch.observe(report)
        return desired

    async def control_service(self, service: str, action: ServiceAction, username: str) -> ServiceActionResult:
        """Starts, stops, restarts, puts to sleep or wakes an engine. ``username`` is recorded in the audit log."""
        return await self._operations.services.act(service, action, username)

    async def add_voice_consent(self, consent: NewVoiceConsent, owner: str) -> StoredVoiceConsent:
        return await self._library.add_consent(consent, owner)

    async def voice_consents(self, owner: str) -> tuple[StoredVoiceConsent, ...]:
        return await self._library.consents(owner)

    async def rename_voice_consent(self, consent_id: str, person: str, owner: str) -> StoredVoiceConsent:
        return await self._library.rename_consent(consent_id, person, owner)

    async def revoke_voice_consent(self, consent_id: str, owner: str) -> None:
        await self._library.revoke_consent(consent_id, owner)

    async def add_cloned_voice(self, voice: NewClonedVoice, owner: str) -> StoredClonedVoice:
        return await self._library.add_voice(voice, owner)

    async def delete_cloned_voice(self, voice_id: str, owner: str) -> None:
        await self._library.delete_voice(voice_id, owner)

    async def open_conversation(self, source: TurnSource, person: str, display_name: str) -> Conversation:
        return await self._office.conversations.open(source, person, display_name)

    async def restart_conversation(self, source: TurnSource, person: str, display_name: str) -> Conversation:
        return await self._office.conversations.restart(source, person, display_name)

    async def set_conversation_mode(self, source: TurnSource, person: str, mode: str, display_name: str) -> None:
        await self._office.conversations.set_mode(source, person, mode, display_name)

    async def move_chat(self, source: TurnSource, chat: str, to: str) -> None:
        await self._office.conversations.move_chat(source, chat, to)

    async def keep_recording(self, heard: HeardMessage) -> None:
        await self._office.conversations.keep_recording(heard)

    async def count_conversations(self, source: TurnSource) -> int:
        return await self._office.conversations.count(source)

    async def stop(self) -> None:
        await self._ready_answers.stop()
        await self._operations.close()
        self._cluster.close()
        await self._runtime.stop()
        await self._office.close()

    def _operations_dependencies(self) -> OperationsDependencies:
        metrics = self._runtime.metrics
        return OperationsDependencies(
            data=self._environment.data,
            models=self._environment.models_dir,
            cluster=self._cluster,
            services=self._engines,
            queues=metrics.queues,
            exposition=metrics.exposition,
            environment=os.environ,
            model_hosts=parse_allowed_hosts(self._environment.model_hosts),
        )

    async def _match_phrase(self, phrase: str, language: str | None) -> MatchReport:
        self._exact.prepare(self._office.publisher.current)
        return await explain_match(self._exact, self._ranked, phrase, language)


def build_office_server(args: OfficeArgs, metrics_dir: Path) -> serve.Application:
    return host_door(OfficeServer, args, names.OFFICE, args, metrics_dir, max_message_bytes=_MAX_MESSAGE_BYTES)
