"""The GPU memory that one deployment needs, by purpose. All sizes are in bytes."""

from dataclasses import dataclass, field, replace

GIB = 1 << 30
MIB = 1 << 20

CUDA_CONTEXT_BYTES = 600 * MIB
"""One process with a CUDA context, cuBLAS workspaces and the allocator's rounding. An estimate: PyTorch's memory
documentation gives several hundred MB, which vary with the card and the driver."""


@dataclass(frozen=True, slots=True)
class KvCache:
    """``per_token`` bytes of a token over all layers. ``minimum`` is what one conversation of full length needs,
    ``maximum`` what all concurrent ones need; more is never used."""

    per_token: int
    minimum: int
    maximum: int


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """What one replica of ``deployment`` needs on each of its cards.

    ``share`` is not None for an engine that takes this share of the whole card and uses what is left of it as
    ``kv_cache``. ``unknown`` says why the need cannot be computed. ``path`` is the path of the engine below the
    arguments of the secretary, for the names of settings.
    """

    deployment: str
    engine: str
    path: str
    weights: int = 0
    kv_cache: int = 0
    activations: int = 0
    adapters: int = 0
    context: int = CUDA_CONTEXT_BYTES
    share: float | None = None
    kv: KvCache | None = None
    layer_bytes: tuple[int, ...] = ()
    options: dict[str, object] = field(default_factory=dict)
    source: str = ""
    unknown: str = ""

    @property
    def without_kv_cache(self) -> int:
        return self.weights + self.activations + self.adapters + self.context

    @property
    def total(self) -> int:
        return self.without_kv_cache + self.kv_cache

    def on_card(self, total_bytes: int) -> "MemoryNeed":
        """The need on a card of this size: an engine that takes a share of it fills the share with KV cache."""
        if self.share is None:
            return self
        return replace(self, kv_cache=max(0, int(self.share * total_bytes) - self.without_kv_cache))
