"""The FastAPI application of the gateway without Ray, under uvicorn, with key check, FAQ answers and metrics.

``uvicorn --factory benchmarks.peers.plain_app:build``; ``BENCHMARK_METRICS`` is the folder for metrics.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI

from benchmarks.server_process import API_KEY
from deployments.api.app import DoorServices, build_app
from deployments.contracts.api_key import ApiKey
from deployments.contracts.chat import LOCAL_ROUTE
from deployments.contracts.reports import DoorReport
from deployments.contracts.snapshot import Snapshot
from deployments.conversation.assistant import ConversationAssistant, TurnPipeline
from deployments.conversation.faq_answers import ExactAnswers, FaqLookup
from deployments.conversation.observers import CompositeObserver
from deployments.conversation.report_outbox import ReportOutbox
from deployments.conversation.snapshot_feed import SnapshotFeed
from deployments.engines.registry import build_engine
from deployments.process_metrics import open_metrics
from storage import seed
from storage.secrets import key_digest


class SeedOffice:
    """Publishes the seed data of a new installation and drops reports."""

    async def snapshots(self, after_revision: int, subscriber: str) -> AsyncIterator[Snapshot]:
        numbered = tuple(entry.model_copy(update={"id": number}) for number, entry in enumerate(seed.faq(), 1))
        key = ApiKey(id=1, name="benchmark", prefix=API_KEY[:10], digest=key_digest(API_KEY))
        yield Snapshot(revision=1, faq=numbered, personas=seed.personas(), api_keys=(key,))
        await asyncio.Event().wait()

    async def report(self, report: DoorReport) -> None:
        """Drops the report."""


def build() -> FastAPI:
    exact = ExactAnswers(lambda: datetime.now(UTC))
    metrics = open_metrics(Path(os.environ["BENCHMARK_METRICS"]))
    office = SeedOffice()
    feed = SnapshotFeed(office, "plain", exact.prepare)
    outbox = ReportOutbox(office, "plain", feed)
    pipeline = TurnPipeline(
        chat={str(LOCAL_ROUTE): build_engine("chat", "echo", {})},
        speech=(),
        recognizer=None,
        faq=FaqLookup(exact, None),
    )
    assistant = ConversationAssistant(pipeline, feed, CompositeObserver((metrics, outbox)))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        feed.start()
        outbox.start()
        await feed.wait(5)
        yield
        await outbox.stop()
        await feed.stop()

    app = build_app(DoorServices(assistant=assistant, snapshots=feed, metrics=metrics))
    app.router.lifespan_context = lifespan
    return app
