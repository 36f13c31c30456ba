"""The control plane: owns the database, streams snapshots, serves the panel. Exactly one replica."""

import os
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ray import serve
from starlette.types import ASGIApp

from deployments import names
from deployments.administration.office.composition import OfficeServices, open_office
from deployments.administration.office.operations import OperationsDependencies, open_operations
from deployments.administration.services.service_control import ServiceAction, ServiceActionResult
from deployments.api.admin.admin_routers import AdminServices, admin_routers
from deployments.api.admin.app import AdminApp, GateDependencies
from deployments.arguments import OfficeArgs, StaffArgs
from deployments.clients import BotsClient, FaqClient
from deployments.contracts.chat import TurnSource
from deployments.contracts.errors import SecretaryError
from deployments.contracts.outbound import parse_allowed_hosts
from deployments.contracts.reports import DoorReport, ReportAcknowledgement
from deployments.contracts.services import DesiredServiceState, ReplicaReport
from deployments.contracts.sessions import Conversation
from deployments.contracts.settings import Snapshot, SnapshotChange
from deployments.contracts.streams import Closing
from deployments.conversation.faq_answers import ExactAnswers
from deployments.conversation.snapshot_stream import encode_snapshots
from deployments.door_runtime import DoorRuntime, EngineHandles
from deployments.hosting import host_door
from deployments.process_metrics import open_metrics
from deployments.remote import RemoteDeployment
from deployments.serve_view import ServeView
from storage.environment import Environment
from storage.secrets import read_or_create_secret

if TYPE_CHECKING:
    from ui.panel_services import PhraseMatchReport

_LONGEST_MESSAGE = 2 << 20
"""Bytes of one websocket message: the longest text to be spoken, with every character escaped."""


class LocalOffice:
    """The office for what lives in its own process: same contract as over a handle, no hop."""

    def __init__(self, office: OfficeServices) -> None:
        self._office = office

    def snapshots(self, after_revision: int, subscriber: str) -> AsyncIterator[Snapshot]:
        return self._office.publisher.subscribe(after_revision, subscriber)

    async def report(self, report: DoorReport) -> ReportAcknowledgement:
        return await self._office.report_ingest.accept(report)

    async def open(self, source: TurnSource, person: str, display_name: str = "") -> Conversation:
        return await self._office.conversations.open(source, person, display_name)

    async def restart(self, source: TurnSource, person: str, display_name: str = "") -> Conversation:
        return await self._office.conversations.restart(source, person, display_name)

    async def set_mode(self, source: TurnSource, person: str, mode: str, display_name: str = "") -> None:
        await self._office.conversations.set_mode(source, person, mode, display_name)

    async def count(self, source: TurnSource) -> int:
        return await self._office.conversations.count(source)


def engine_services(used: StaffArgs) -> dict[str, str]:
    """Names and kinds of the services of a graph that can be stopped."""
    wanted = ((names.CHAT, "chat", used.chat), (names.RECOGNITION, "recognition", used.recognition))
    kinds = {name: kind for name, kind, there in (*wanted, (names.FAQ, "answers", used.faq)) if there}
    return kinds | dict.fromkeys(used.voices, "speech")


class OfficeServer:
    """Serve's shell around ``administration.Office`` and the panel."""

    def __init__(self, args: OfficeArgs, metrics_dir: Path) -> None:
        self._remotes = EngineHandles.by_name(args.staff)
        self._metrics_dir = metrics_dir
        self._engines = engine_services(args.staff)
        self._ranked = FaqClient(self._remotes.faq) if self._remotes.faq else None
        self._bots = BotsClient(RemoteDeployment.by_name(names.BOTS_APP, names.BOTS))
        self._cluster = ServeView()
        self._tested = ExactAnswers(lambda: datetime.now(UTC))

    async def start(self) -> None:
        self._environment = Environment()
        self._office = await open_office(self._environment)
        self._local = LocalOffice(self._office)
        self._reception = DoorRuntime(self._remotes, self._local, "office", open_metrics(self._metrics_dir))
        await self._reception.start()
        self._operations = await open_operations(self._office, self._surroundings())

    def __serve_build_asgi_app__(self) -> ASGIApp:
        from ui.panel import mount_panel
        from ui.panel_services import PanelServices

        office, reception = self._office, self._reception
        desk = AdminServices(
            office=office,
            operations=self._operations,
            assistant=reception.assistant,
            installed=reception.unmetered_assistant.installed_voices,
            matcher=self._match,
            bots=self._bots.statuses,
            snapshots=reception.snapshots,
        )
        keepers = GateDependencies(office.tokens, reception.snapshots, reception.metrics)
        app = AdminApp(keepers, admin_routers(desk))
        services = PanelServices(
            assistant=reception.assistant,
            faq=office.faq,
            accounts=office.accounts,
            reports=office.report_ingest,
            publisher=office.publisher,
            conversations=self._local,
            chats=office.chat_sessions,
            dialogue=office.dialogue,
            matcher=self._match,
        )
        secret = read_or_create_secret(self._environment.storage_secret_path).hex()
        mount_panel(app, services, storage_secret=secret, secure_cookie=self._environment.reached_by_tls)
        return app

    async def snapshots(self, after_revision: int, subscriber: str) -> AsyncGenerator[Snapshot | SnapshotChange]:
        async with Closing(encode_snapshots(self._local.snapshots(after_revision, subscriber))) as items:
            async for item in items:
                yield item

    async def report(self, report: DoorReport) -> ReportAcknowledgement:
        return await self._local.report(report)

    async def heartbeat(self, report: ReplicaReport) -> DesiredServiceState:
        return self._operations.replica_registry.handle_report(report)

    async def control_service(self, service: str, action: ServiceAction, username: str) -> ServiceActionResult:
        """Starts, stops or restarts an engine in the name of ``username``."""
        return await self._operations.services.act(service, action, username)

    async def open_conversation(self, source: TurnSource, person: str, display_name: str) -> Conversation:
        return await self._local.open(source, person, display_name)

    async def restart_conversation(self, source: TurnSource, person: str, display_name: str) -> Conversation:
        return await self._local.restart(source, person, display_name)

    async def set_conversation_mode(self, source: TurnSource, person: str, mode: str, display_name: str) -> None:
        await self._local.set_mode(source, person, mode, display_name)

    async def count_conversations(self, source: TurnSource) -> int:
        return await self._local.count(source)

    async def stop(self) -> None:
        await self._operations.close()
        self._cluster.close()
        await self._reception.stop()
        await self._office.close()

    def _surroundings(self) -> OperationsDependencies:
        metrics = self._reception.metrics
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

    async def _match(self, phrase: str, language: str | None) -> "PhraseMatchReport":
        from ui.panel_services import PhraseMatchReport

        self._tested.prepare(self._office.publisher.current)
        match = self._tested.lookup(phrase, language)
        if self._ranked is None:
            return PhraseMatchReport(match)
        try:
            ranked = None if match else await self._ranked.lookup(phrase, language)
            return PhraseMatchReport(match or ranked, await self._ranked.candidates(phrase, language))
        except SecretaryError:
            return PhraseMatchReport(match)


def build_office_server(args: OfficeArgs, metrics_dir: Path) -> serve.Application:
    return host_door(OfficeServer, args, names.OFFICE, args, metrics_dir, max_message_bytes=_LONGEST_MESSAGE)
