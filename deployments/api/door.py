"""The objects that the endpoints of one gateway process share."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from deployments.api.auth import ApiKeyAuthenticator
from deployments.api.limits import ApiKeyLimiter, StreamSlots
from deployments.api.metrics import Metrics
from deployments.api.models.model_names import ModelNames
from deployments.api.request_body import CLIENT_TIMEOUT_S
from deployments.api.request_context import RequestContext
from deployments.contracts.chat import SourceKind
from deployments.contracts.engines import Assistant, Embedder
from deployments.contracts.reports import SnapshotSource
from deployments.contracts.shared import SharedBlobCache, SharedRateLimiter
from deployments.contracts.voice_library import VoiceLibrary
from deployments.conversation.metered_assistant import MeteredAssistant
from deployments.conversation.usage_tracker import UsageTracker


@dataclass(frozen=True, slots=True)
class DoorServices:
    """Arguments of a gateway app.

    ``embedders`` are the local models by name, the default one first. ``clock`` gives Unix seconds. ``usage`` is the
    tracker that is reported to the office; None creates a private one.
    ``public_prefixes`` are paths of further routes of the app that do their own access control. ``client_timeout_s``
    bounds each wait for a client to send or to read. ``failing_routes`` are those whose breaker is open.
    ``voice_library`` stores uploaded voices; None: the door accepts none. ``cors_origins`` are the origins of pages
    that may call ``/v1``. ``responses`` keeps responses for all doors.
    """

    assistant: Assistant
    snapshots: SnapshotSource
    metrics: Metrics
    embedders: Mapping[str, Embedder] = field(default_factory=dict)
    clock: Callable[[], float] = time.time
    public_prefixes: tuple[str, ...] = ()
    shared: SharedRateLimiter | None = None
    usage: UsageTracker | None = None
    client_timeout_s: float = CLIENT_TIMEOUT_S
    failing_routes: Callable[[], Collection[str]] = tuple
    voice_library: VoiceLibrary | None = None
    cors_origins: frozenset[str] = frozenset()
    responses: SharedBlobCache | None = None


class Door:
    """Services and shared state of the endpoints of one process."""

    def __init__(self, services: DoorServices) -> None:
        self.assistant = services.assistant
        self.snapshots = services.snapshots
        self.metrics = services.metrics
        self.embedders = services.embedders
        self.clock = services.clock
        self.cors_origins = services.cors_origins
        self.client_timeout_s = services.client_timeout_s
        self.failing_routes = services.failing_routes
        self.voice_library = services.voice_library
        self.model_names = ModelNames(services.assistant, services.snapshots, services.clock, bool(services.embedders))
        self.keys = ApiKeyAuthenticator(services.snapshots, services.clock)
        self.usage = services.usage or UsageTracker(services.clock)
        self.limiter = ApiKeyLimiter(services.clock, self.usage, services.shared)
        self.slots = StreamSlots()

    def metered(self, context: RequestContext) -> Assistant:
        """The assistant, with its usage recorded for the API key of ``context``."""
        return MeteredAssistant(self.assistant, self.usage, SourceKind.API, context.required_key.id)
