"""The gateway with cloud engines, without Ray, under uvicorn: ``uvicorn --factory benchmarks.peers.cloud_app:build``.

``BENCHMARK_PROVIDER`` is the base URL of the provider, ``BENCHMARK_METRICS`` the folder for metrics.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI

from benchmarks.peers.mock_provider import MODELS
from benchmarks.peers.plain_app import SeedOffice
from benchmarks.server_process import API_KEY
from deployments.api.app import DoorServices, build_app
from deployments.cloud_engines import CloudEngines, Spending
from deployments.contracts.api_key import ApiKey
from deployments.contracts.providers import ProviderSpec
from deployments.contracts.settings import OutboundSettings, Settings
from deployments.contracts.snapshot import Snapshot
from deployments.conversation.assistant import ConversationAssistant
from deployments.conversation.faq_answers import ExactAnswers
from deployments.conversation.observers import CompositeObserver
from deployments.conversation.report_outbox import ReportOutbox
from deployments.conversation.snapshot_feed import SnapshotFeed
from deployments.process_metrics import open_metrics
from deployments.wiring import Engines, build_turn_pipeline
from storage import seed
from storage.secrets import key_digest


class CloudOffice(SeedOffice):
    """Publishes one provider for each model of the mock provider."""

    async def snapshots(self, after_revision: int, subscriber: str) -> AsyncIterator[Snapshot]:
        url = os.environ["BENCHMARK_PROVIDER"]
        yield Snapshot(
            revision=1,
            settings=Settings(outbound=OutboundSettings(allowed_hosts=("127.0.0.1",))),
            personas=seed.personas(),
            api_keys=(ApiKey(id=1, name="benchmark", prefix=API_KEY[:10], digest=key_digest(API_KEY)),),
            providers=tuple(
                ProviderSpec(id=name, name=name, provider_type="custom", base_url=url, model_name=name)
                for name in MODELS
            ),
        )
        await asyncio.Event().wait()


def build() -> FastAPI:
    exact = ExactAnswers(lambda: datetime.now(UTC))
    metrics = open_metrics(Path(os.environ["BENCHMARK_METRICS"]))
    office = CloudOffice()
    clouds = CloudEngines(str, lambda route: Spending(0, 0))
    loop: list[asyncio.AbstractEventLoop] = []

    def prepare(snapshot: Snapshot) -> None:
        exact.prepare(snapshot)
        loop[0].call_soon_threadsafe(clouds.follow, snapshot)

    feed = SnapshotFeed(office, "cloud", prepare)
    outbox = ReportOutbox(office, "cloud", feed)
    pipeline = build_turn_pipeline(Engines({}, (), None, None), exact, feed, clouds=lambda: clouds.engines)
    assistant = ConversationAssistant(pipeline, feed, CompositeObserver((metrics, outbox)))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        loop.append(asyncio.get_running_loop())
        feed.start()
        outbox.start()
        await feed.wait(5)
        yield
        await outbox.stop()
        await feed.stop()
        await clouds.close()

    app = build_app(DoorServices(assistant=assistant, snapshots=feed, metrics=metrics))
    app.router.lifespan_context = lifespan
    return app
