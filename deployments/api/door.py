"""What a door is made of."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from deployments.api.auth import KeyRing
from deployments.api.body import PATIENCE_S
from deployments.api.limits import Allowances, StreamSlots
from deployments.api.metrics import Metrics
from deployments.api.models.catalog import Catalog
from deployments.api.visit import Visit
from deployments.contracts.chat import SourceKind
from deployments.contracts.engines import Assistant, Embedder
from deployments.contracts.reports import SnapshotSource
from deployments.contracts.shared import SharedCounters
from deployments.conversation.metered import Metered
from deployments.conversation.usage import UsageBook


@dataclass(frozen=True, slots=True)
class DoorServices:
    """What the process hands to its door. ``clock`` gives Unix seconds. ``usage`` is what the office is told of; a door
    of its own counts for itself. ``patience_s`` is how long a client may keep its request or not read its answer.

    ``public_prefixes``: paths of further routes on the same app that need no key because they guard themselves.
    """

    assistant: Assistant
    snapshots: SnapshotSource
    metrics: Metrics
    embedder: Embedder | None = None
    clock: Callable[[], float] = time.time
    public_prefixes: tuple[str, ...] = ()
    shared: SharedCounters | None = None
    usage: UsageBook | None = None
    patience_s: float = PATIENCE_S


class Door:
    """The services, and what the areas of one process share."""

    def __init__(self, services: DoorServices) -> None:
        self.assistant = services.assistant
        self.snapshots = services.snapshots
        self.metrics = services.metrics
        self.embedder = services.embedder
        self.clock = services.clock
        self.patience_s = services.patience_s
        self.catalog = Catalog(services.assistant, services.snapshots, services.clock)
        self.keys = KeyRing(services.snapshots, services.clock)
        self.usage = services.usage or UsageBook(services.clock)
        self.allowances = Allowances(services.clock, self.usage, services.shared)
        self.slots = StreamSlots()

    def metered(self, visit: Visit) -> Assistant:
        """The assistant, counting for the key of ``visit``."""
        return Metered(self.assistant, self.usage, SourceKind.API, visit.caller.id)
