"""A gateway under a real uvicorn on a loopback port, in its own thread."""

import asyncio
import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import uvicorn

from deployments.api.app import DoorServices, build_app
from deployments.api.metrics import Metrics
from deployments.contracts.api_key import ApiKey
from deployments.contracts.chat import EmbeddingVectors
from deployments.contracts.engines import Assistant
from deployments.contracts.persona import Persona
from deployments.contracts.settings import Limits, Settings, SpeechSettings
from deployments.contracts.snapshot import Snapshot
from deployments.engines.chat.embedding_limit import check_embedding_tokens
from tests.fakes.assistant import ScriptedAssistant

KEY, AUDIO_KEY, METRICS_KEY, EXPIRED_KEY = "sk-all", "sk-audio", "sk-metrics", "sk-expired"


def api_key(number: int, text: str, **fields: object) -> ApiKey:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return ApiKey.model_validate({"id": number, "name": text, "prefix": text[:5], "digest": digest, **fields})


def snapshot(limits: Limits | None = None, speech: SpeechSettings | None = None, revision: int = 42) -> Snapshot:
    return Snapshot(
        revision=revision,
        settings=Settings(limits=limits or Limits(), speech=speech or SpeechSettings()),
        personas=(
            Persona(id="anna", name="Анна", prompts={"ru": "Вы Анна."}),
            Persona(id="max", name="Max", prompts={}),
        ),
        api_keys=(
            api_key(1, KEY),
            api_key(2, AUDIO_KEY, scopes=("audio",)),
            api_key(3, METRICS_KEY, scopes=("metrics",)),
            api_key(4, EXPIRED_KEY, expires_at="2020-01-01T00:00:00Z"),
        ),
    )


@dataclass
class StaticSnapshots:
    current: Snapshot = field(default_factory=snapshot)
    ready: bool = True


@dataclass
class FakeEmbedder:
    """Embeds after ``delay_s``. ``active`` counts calls in progress."""

    delay_s: float = 0.0
    active: int = 0

    async def embed(self, texts: tuple[str, ...], caller: str = "", max_tokens: int | None = None) -> EmbeddingVectors:
        self.active += 1
        try:
            await asyncio.sleep(self.delay_s)
        finally:
            self.active -= 1
        check_embedding_tokens(sum(len(text) for text in texts), max_tokens)
        rows = tuple((float(len(text)), 0.5, -0.25) for text in texts)
        return EmbeddingVectors(rows, tokens=sum(len(text) for text in texts))


class RunningGateway:
    """``url`` answers until ``stop``. ``assistant`` and ``snapshots`` may be changed between requests. ``answering``
    takes the place of ``assistant``."""

    def __init__(
        self, embeds: bool = True, answering: Assistant | None = None, cors_origins: frozenset[str] = frozenset()
    ) -> None:
        self.assistant = ScriptedAssistant()
        self.embedder = FakeEmbedder()
        self.snapshots = StaticSnapshots()
        self.metrics = Metrics()
        services = DoorServices(
            assistant=answering or self.assistant,
            snapshots=self.snapshots,
            metrics=self.metrics,
            embedders={"chat": self.embedder} if embeds else {},
            cors_origins=cors_origins,
        )
        self.app = build_app(services)
        config = uvicorn.Config(self.app, host="127.0.0.1", port=0, log_level="critical", lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def start(self) -> None:
        self._thread.start()
        wait_until(lambda: self._server.started)
        self.port: int = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)

    def reset(self) -> None:
        """Restores the assistant and the settings."""
        fresh = ScriptedAssistant()
        self.assistant.__dict__.update(fresh.__dict__)
        self.embedder.delay_s = 0.0
        self.snapshots.current, self.snapshots.ready = snapshot(), True

    def _serve(self) -> None:
        asyncio.run(self._server.serve())


def wait_until(condition: Callable[[], bool], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("the condition was not met in time")
        time.sleep(0.005)
