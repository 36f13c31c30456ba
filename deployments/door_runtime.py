"""What a door runs in its own process: an assistant over engine handles, the current snapshot and the report outbox."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ray.serve.handle import DeploymentHandle

from deployments import names
from deployments.administration.auth.secret_keys import load_sealer
from deployments.api.metrics import Metrics
from deployments.arguments import UsedEngineArgs
from deployments.clients import ChatClient, EngineClient, RecognizerClient, SpeechClient
from deployments.cloud_engines import CloudEngines, Spending
from deployments.contracts.chat import SourceKind
from deployments.contracts.reports import OfficeLink
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.speech import EngineStatus
from deployments.conversation.assistant import ConversationAssistant, TurnPipeline
from deployments.conversation.faq_answers import ExactAnswers
from deployments.conversation.metered_assistant import MeteredAssistant
from deployments.conversation.observers import CompositeObserver
from deployments.conversation.ready.maker import ReadyAnswers
from deployments.conversation.ready.phrase_store import PhraseStore
from deployments.conversation.ready.ready_phrases import ReadyPhrases
from deployments.conversation.report_outbox import ReportOutbox
from deployments.conversation.snapshot_feed import SnapshotFeed
from deployments.conversation.usage_tracker import UsageTracker
from deployments.faq_client import FaqClient
from deployments.proxy_pools import ProxyPools, core_finder
from deployments.remote import RemoteDeployment
from deployments.shared_state.factory import create_shared_state
from deployments.text.normalizer import load_normalizers
from deployments.wiring import Engines, build_turn_pipeline
from proxies.remembered_links import RememberedLinks
from storage.environment import Environment


@dataclass(frozen=True, slots=True)
class EngineHandles:
    """The engine deployments that a door calls. ``None`` where the graph has none of a kind."""

    faq: RemoteDeployment | None
    chats: tuple[RemoteDeployment, ...]
    voices: tuple[RemoteDeployment, ...]
    recognition: RemoteDeployment | None

    def engines(self) -> tuple[RemoteDeployment, ...]:
        return tuple(remote for remote in (*self.chats, *self.voices, self.recognition) if remote)

    @classmethod
    def by_name(cls, used: UsedEngineArgs) -> "EngineHandles":
        """For doors in another application than the engines: handles are looked up at the first call."""

        def find(wanted: bool, name: str) -> RemoteDeployment | None:
            return RemoteDeployment.by_name(names.SECRETARY_APP, name) if wanted else None

        return cls(
            faq=find(used.faq, names.FAQ),
            chats=tuple(RemoteDeployment.by_name(names.SECRETARY_APP, name) for name in used.chats),
            voices=tuple(RemoteDeployment.by_name(names.SECRETARY_APP, name) for name in used.voices),
            recognition=find(used.recognition, names.RECOGNITION),
        )

    @classmethod
    def from_handles(
        cls,
        faq: DeploymentHandle[Any] | None,
        chats: Mapping[str, DeploymentHandle[Any]],
        voices: Mapping[str, DeploymentHandle[Any]],
        recognition: DeploymentHandle[Any] | None,
    ) -> "EngineHandles":
        """For the gateway, which gets its handles as constructor arguments."""

        def wrap(handle: DeploymentHandle[Any] | None, name: str) -> RemoteDeployment | None:
            return RemoteDeployment.from_handle(handle, name) if handle else None

        return cls(
            faq=wrap(faq, names.FAQ),
            chats=tuple(RemoteDeployment.from_handle(handle, name) for name, handle in chats.items()),
            voices=tuple(RemoteDeployment.from_handle(handle, name) for name, handle in voices.items()),
            recognition=wrap(recognition, names.RECOGNITION),
        )


class DoorRuntime:
    """``start`` opens the snapshot stream and polls the engines, ``stop`` ends both and delivers the last reports.

    ``assistant`` records usage under ``source``. A door with API keys takes ``unmetered_assistant`` and records usage
    per key in ``usage`` itself. ``preload_normalizers``: the rules of spoken text (half a second of a core, 45 MB) are
    loaded when a voice is ready, not by the first speech.
    """

    def __init__(
        self,
        handles: EngineHandles,
        office: OfficeLink,
        door: str,
        metrics: Metrics,
        source: SourceKind = SourceKind.ADMIN,
        *,
        preload_normalizers: bool = False,
    ) -> None:
        self._preload_normalizers = preload_normalizers
        self._preloading: asyncio.Task[None] | None = None
        self._forgetting: set[asyncio.Task[None]] = set()
        self.metrics = metrics
        for remote in handles.engines():
            remote.on_queue_depth = metrics.queue_depth
        self._exact = ExactAnswers(lambda: datetime.now(UTC))
        self.snapshots = SnapshotFeed(office, door, self._prepare)
        environment = Environment()
        self.proxies = ProxyPools(core_finder(environment), RememberedLinks(environment.data / "run" / "proxies"))
        self.clouds = CloudEngines(load_sealer(environment).open, self._spent, proxies=self.proxies)
        self.usage = UsageTracker(time.time, self.clouds.estimate_cost)
        self.outbox = ReportOutbox(office, door, self.snapshots, usage=self.usage, proxies=self.proxies.statuses)
        self.observer = CompositeObserver((metrics, self.outbox))
        self.chats = {remote.name: ChatClient(remote, "chat") for remote in handles.chats}
        self.speech = tuple(SpeechClient(remote) for remote in handles.voices)
        self.recognizer = RecognizerClient(handles.recognition, "recognition") if handles.recognition else None
        self.shared = create_shared_state(environment.redis_url)
        self.phrase_store = PhraseStore(environment.ready_answers_dir)
        self.unmetered_assistant = ConversationAssistant(self._pipeline(handles), self.snapshots, self.observer)
        self.assistant = MeteredAssistant(self.unmetered_assistant, self.usage, source)

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self.shared.start()
        self.snapshots.start()
        self.outbox.start()
        if self._preload_normalizers and self.speech:
            self._preloading = asyncio.create_task(self._load_normalizers(), name="load normalizers")
        for client in self._clients():
            await client.start()

    async def stop(self) -> None:
        for client in self._clients():
            await client.stop()
        if self._preloading is not None:
            self._preloading.cancel()
            await asyncio.gather(self._preloading, return_exceptions=True)
        await self.outbox.stop()
        await self.snapshots.stop()
        await asyncio.gather(*self._forgetting, return_exceptions=True)
        await self.clouds.close()
        await self.shared.stop()

    async def _load_normalizers(self) -> None:
        """After the voices: before, a machine that starts needs every core for its engines."""
        await self.speech[0].voices_listed.wait()
        await asyncio.to_thread(load_normalizers)

    def _prepare(self, snapshot: Snapshot) -> None:
        """Called on a thread before ``snapshot`` becomes the current one."""
        self._exact.prepare(snapshot)
        self._loop.call_soon_threadsafe(self.clouds.follow, snapshot)
        self._loop.call_soon_threadsafe(self._forget_revoked_voices, snapshot)

    def _forget_revoked_voices(self, snapshot: Snapshot) -> None:
        task = asyncio.create_task(self.unmetered_assistant.follow(snapshot), name="forget revoked voices")
        self._forgetting.add(task)
        task.add_done_callback(self._forgetting.discard)

    def _spent(self, route: str) -> Spending:
        return Spending(self.usage.used_today(route).cost, self.usage.seconds_to_midnight())

    def _clients(self) -> tuple[EngineClient, ...]:
        return tuple(client for client in (*self.chats.values(), *self.speech, self.recognizer) if client)

    def ready_answers(self) -> ReadyAnswers:
        """What makes ready answers. One door of an installation starts it: the office."""
        return ReadyAnswers(
            self.unmetered_assistant.ready_answers_engines(self._statuses),
            self.phrase_store,
            self.metrics.ready_phrases,
        )

    def _statuses(self) -> tuple[EngineStatus, ...]:
        return tuple(status for client in self._clients() for status in client.statuses())

    def _pipeline(self, handles: EngineHandles) -> TurnPipeline:
        ranked = FaqClient(handles.faq) if handles.faq else None
        engines = Engines(self.chats, self.speech, self.recognizer, ranked)
        return build_turn_pipeline(
            engines,
            self._exact,
            self.snapshots,
            self._statuses,
            self.shared,
            lambda: self.clouds.engines,
            ReadyPhrases(self.phrase_store, self.metrics.ready_lookup),
        )
