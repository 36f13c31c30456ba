"""What every door builds in its own process: an assistant over handles, fresh snapshots, reports to the office."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from ray.serve.handle import DeploymentHandle

from deployments import names
from deployments.api.metrics import Metrics
from deployments.arguments import StaffArgs
from deployments.clients import (
    ChatClient,
    EngineClient,
    FaqClient,
    RecognizerClient,
    SpeechClient,
)
from deployments.contracts.chat import SourceKind
from deployments.contracts.reports import OfficeLink
from deployments.contracts.sessions import Conversations
from deployments.contracts.speech import EngineStatus
from deployments.conversation.assistant import Secretary, Staff
from deployments.conversation.metered import Metered
from deployments.conversation.observers import Observers
from deployments.conversation.prepared import ExactAnswers
from deployments.conversation.reporting import ReportOutbox
from deployments.conversation.snapshots import SnapshotFeed
from deployments.conversation.usage import UsageBook
from deployments.remote import Remote
from deployments.shared_state.opening import shared_state
from deployments.staffing import Engines, staffed
from storage.environment import Environment


@dataclass(frozen=True, slots=True)
class Remotes:
    """The engine deployments a door works with; None where the graph has none."""

    faq: Remote | None
    chat: Remote | None
    voices: tuple[Remote, ...]
    recognition: Remote | None

    def engines(self) -> tuple[Remote, ...]:
        return tuple(remote for remote in (self.chat, *self.voices, self.recognition) if remote)

    @classmethod
    def named(cls, staff: StaffArgs) -> "Remotes":
        """For doors in another application than the engines."""

        def find(wanted: bool, name: str) -> Remote | None:
            return Remote.named(names.SECRETARY_APP, name) if wanted else None

        return cls(
            faq=find(staff.faq, names.FAQ),
            chat=find(staff.chat, names.CHAT),
            voices=tuple(Remote.named(names.SECRETARY_APP, name) for name in staff.voices),
            recognition=find(staff.recognition, names.RECOGNITION),
        )

    @classmethod
    def injected(
        cls,
        faq: DeploymentHandle[Any] | None,
        chat: DeploymentHandle[Any] | None,
        voices: Mapping[str, DeploymentHandle[Any]],
        recognition: DeploymentHandle[Any] | None,
    ) -> "Remotes":
        """For the gateway, whose handles were bound into it."""

        def of(handle: DeploymentHandle[Any] | None, name: str) -> Remote | None:
            return Remote.of(handle, name) if handle else None

        return cls(
            faq=of(faq, names.FAQ),
            chat=of(chat, names.CHAT),
            voices=tuple(Remote.of(handle, name) for name, handle in voices.items()),
            recognition=of(recognition, names.RECOGNITION),
        )


class OfficeAccess(OfficeLink, Conversations, Protocol):
    """The office, over a handle or in the same process."""


class Reception:
    """``start`` opens the snapshot stream and the status polls, ``stop`` ends them and delivers the last reports.

    ``assistant`` counts what is used as used by ``source``; a door with API keys takes ``secretary`` and counts by key
    in ``usage``.
    """

    def __init__(
        self,
        remotes: Remotes,
        office: OfficeAccess,
        door: str,
        metrics: Metrics,
        source: SourceKind = SourceKind.ADMIN,
    ) -> None:
        self.office = office
        self.metrics = metrics
        for remote in remotes.engines():
            remote.on_waiting = metrics.queue_depth
        self._exact = ExactAnswers(lambda: datetime.now(UTC))
        self.snapshots = SnapshotFeed(office, door, self._exact.prepare)
        self.usage = UsageBook(time.time)
        self.outbox = ReportOutbox(office, door, self.snapshots, usage=self.usage)
        self.observer = Observers((metrics, self.outbox))
        self.chat = ChatClient(remotes.chat, "chat") if remotes.chat else None
        self.speech = tuple(SpeechClient(remote) for remote in remotes.voices)
        self.recognizer = RecognizerClient(remotes.recognition, "recognition") if remotes.recognition else None
        self.shared = shared_state(Environment().redis_url)
        self.secretary = Secretary(self._staff(remotes), self.snapshots, self.observer)
        self.assistant = Metered(self.secretary, self.usage, source)

    async def start(self) -> None:
        await self.shared.start()
        self.snapshots.start()
        self.outbox.start()
        for client in self._clients():
            await client.start()

    async def stop(self) -> None:
        for client in self._clients():
            await client.stop()
        await self.outbox.stop()
        await self.snapshots.stop()
        await self.shared.stop()

    def _clients(self) -> tuple[EngineClient, ...]:
        return tuple(client for client in (self.chat, *self.speech, self.recognizer) if client)

    def _statuses(self) -> tuple[EngineStatus, ...]:
        return tuple(status for client in self._clients() for status in client.statuses())

    def _staff(self, remotes: Remotes) -> Staff:
        ranked = FaqClient(remotes.faq) if remotes.faq else None
        engines = Engines(self.chat, self.speech, self.recognizer, ranked)
        return staffed(engines, self._exact, self.snapshots, self._statuses, self.shared)
