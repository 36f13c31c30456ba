"""The control plane: owns the database, streams snapshots, serves the panel. Exactly one replica."""

import os
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ray import serve
from starlette.types import ASGIApp

from deployments import names
from deployments.administration.office import Office, open_office
from deployments.administration.operations import Surroundings, open_operations
from deployments.administration.services import Action, Outcome
from deployments.api.admin.app import AdminApp, GateKeepers
from deployments.api.admin.routers import Desk, office_routers
from deployments.arguments import OfficeArgs, StaffArgs
from deployments.clients import BotsClient, FaqClient
from deployments.contracts.chat import Source
from deployments.contracts.errors import SecretaryError
from deployments.contracts.outbound import allowances
from deployments.contracts.reports import DoorReport, Receipt
from deployments.contracts.services import ReplicaReport, ServiceOrder
from deployments.contracts.sessions import Conversation
from deployments.contracts.settings import Snapshot, SnapshotChange
from deployments.contracts.streams import Closing
from deployments.conversation.prepared import ExactAnswers
from deployments.conversation.snapshot_stream import shortened
from deployments.hosting import host_door
from deployments.metering import open_metrics
from deployments.reception import Reception, Remotes
from deployments.remote import Remote
from deployments.serve_view import ServeView
from storage.environment import Environment
from storage.secrets import secret_file

if TYPE_CHECKING:
    from ui.services import MatchReport

_LONGEST_MESSAGE = 2 << 20
"""Bytes of one websocket message: the longest text to be spoken, with every character escaped."""


class LocalOffice:
    """The office for what lives in its own process: same contract as over a handle, no hop."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def snapshots(self, after_revision: int, subscriber: str) -> AsyncIterator[Snapshot]:
        return self._office.publisher.subscribe(after_revision, subscriber)

    async def report(self, report: DoorReport) -> Receipt:
        return await self._office.reports.accept(report)

    async def open(self, source: Source, person: str, display_name: str = "") -> Conversation:
        return await self._office.conversations.open(source, person, display_name)

    async def restart(self, source: Source, person: str, display_name: str = "") -> Conversation:
        return await self._office.conversations.restart(source, person, display_name)

    async def switch(self, source: Source, person: str, mode: str, display_name: str = "") -> None:
        await self._office.conversations.switch(source, person, mode, display_name)

    async def count(self, source: Source) -> int:
        return await self._office.conversations.count(source)


def engine_services(staff: StaffArgs) -> dict[str, str]:
    """Names and kinds of the services of a graph that can be stopped."""
    wanted = ((names.CHAT, "chat", staff.chat), (names.RECOGNITION, "recognition", staff.recognition))
    kinds = {name: kind for name, kind, there in (*wanted, (names.FAQ, "answers", staff.faq)) if there}
    return kinds | dict.fromkeys(staff.voices, "speech")


class OfficeServer:
    """Serve's shell around ``administration.Office`` and the panel."""

    def __init__(self, args: OfficeArgs, metrics_dir: Path) -> None:
        self._remotes = Remotes.named(args.staff)
        self._metrics_dir = metrics_dir
        self._engines = engine_services(args.staff)
        self._ranked = FaqClient(self._remotes.faq) if self._remotes.faq else None
        self._bots = BotsClient(Remote.named(names.BOTS_APP, names.BOTS))
        self._cluster = ServeView()
        self._tested = ExactAnswers(lambda: datetime.now(UTC))

    async def start(self) -> None:
        self._environment = Environment()
        self._office = await open_office(self._environment)
        self._local = LocalOffice(self._office)
        self._reception = Reception(self._remotes, self._local, "office", open_metrics(self._metrics_dir))
        await self._reception.start()
        self._operations = await open_operations(self._office, self._surroundings())

    def __serve_build_asgi_app__(self) -> ASGIApp:
        from ui.panel import mount_panel
        from ui.services import PanelServices

        office, reception = self._office, self._reception
        desk = Desk(
            office=office,
            operations=self._operations,
            assistant=reception.assistant,
            installed=reception.secretary.installed_voices,
            matcher=self._match,
            bots=self._bots.statuses,
            snapshots=reception.snapshots,
        )
        keepers = GateKeepers(office.tokens, reception.snapshots, reception.metrics)
        app = AdminApp(keepers, office_routers(desk))
        services = PanelServices(
            assistant=reception.assistant,
            faq=office.faq,
            accounts=office.accounts,
            reports=office.reports,
            publisher=office.publisher,
            conversations=self._local,
            chats=office.chats,
            dialogue=office.dialogue,
            matcher=self._match,
        )
        secret = secret_file(self._environment.storage_secret_path).hex()
        mount_panel(app, services, storage_secret=secret, secure_cookie=self._environment.reached_by_tls)
        return app

    async def snapshots(self, after_revision: int, subscriber: str) -> AsyncGenerator[Snapshot | SnapshotChange]:
        async with Closing(shortened(self._local.snapshots(after_revision, subscriber))) as items:
            async for item in items:
                yield item

    async def report(self, report: DoorReport) -> Receipt:
        return await self._local.report(report)

    async def beat(self, report: ReplicaReport) -> ServiceOrder:
        return self._operations.register.heard(report)

    async def control_service(self, service: str, action: Action, username: str) -> Outcome:
        """Starts, stops or restarts an engine in the name of ``username``."""
        return await self._operations.services.act(service, action, username)

    async def open_conversation(self, source: Source, person: str, display_name: str) -> Conversation:
        return await self._local.open(source, person, display_name)

    async def restart_conversation(self, source: Source, person: str, display_name: str) -> Conversation:
        return await self._local.restart(source, person, display_name)

    async def switch_conversation(self, source: Source, person: str, mode: str, display_name: str) -> None:
        await self._local.switch(source, person, mode, display_name)

    async def count_conversations(self, source: Source) -> int:
        return await self._local.count(source)

    async def stop(self) -> None:
        await self._operations.close()
        self._cluster.close()
        await self._reception.stop()
        await self._office.close()

    def _surroundings(self) -> Surroundings:
        metrics = self._reception.metrics
        return Surroundings(
            data=self._environment.data,
            models=self._environment.models_dir,
            cluster=self._cluster,
            services=self._engines,
            queues=metrics.queues,
            exposition=metrics.exposition,
            environment=os.environ,
            model_hosts=allowances(self._environment.model_hosts),
        )

    async def _match(self, phrase: str, language: str | None) -> "MatchReport":
        from ui.services import MatchReport

        self._tested.prepare(self._office.publisher.current)
        match = self._tested.lookup(phrase, language)
        if self._ranked is None:
            return MatchReport(match)
        try:
            ranked = None if match else await self._ranked.lookup(phrase, language)
            return MatchReport(match or ranked, await self._ranked.candidates(phrase, language))
        except SecretaryError:
            return MatchReport(match)


def build_office_server(args: OfficeArgs, metrics_dir: Path) -> serve.Application:
    return host_door(OfficeServer, args, names.OFFICE, args, metrics_dir, longest_message=_LONGEST_MESSAGE)
