"""The snapshot: the immutable configuration of the data plane, which the office streams to all doors.

A turn keeps the snapshot it started with.
"""

from dataclasses import dataclass

from pydantic import Field

from deployments.contracts.api_key import ApiKey
from deployments.contracts.faq_entry import FaqEntry
from deployments.contracts.frozen_model import FrozenModel
from deployments.contracts.instances import BotSpec, WidgetSpec
from deployments.contracts.persona import Persona
from deployments.contracts.providers import ProviderSpec, RouteChain
from deployments.contracts.settings import Settings
from deployments.contracts.voice_consent import VoiceConsent
from deployments.contracts.voice_settings import Preset, VoiceSettings


class Snapshot(FrozenModel):
    """A consistent view of the stored configuration. ``revision`` increases by one with every committed change."""

    revision: int = 0
    settings: Settings = Settings()
    faq: tuple[FaqEntry, ...] = ()
    personas: tuple[Persona, ...] = ()
    api_keys: tuple[ApiKey, ...] = ()
    bots: tuple[BotSpec, ...] = ()
    voices: tuple[VoiceSettings, ...] = ()
    voice_consents: tuple[VoiceConsent, ...] = ()
    presets: tuple[Preset, ...] = ()
    providers: tuple[ProviderSpec, ...] = ()
    chains: tuple[RouteChain, ...] = ()
    widgets: tuple[WidgetSpec, ...] = ()
    cache_epoch: int = Field(default=0, description="Increases when phrase caches must be cleared")

    def preset(self, name: str) -> Preset | None:
        """The speech preset ``name``."""
        return next((preset for preset in self.presets if preset.name == name), None)

    def voice_settings(self, voice_id: str) -> VoiceSettings | None:
        """The stored settings of a voice."""
        return next((choice for choice in self.voices if choice.id == voice_id), None)

    def consented_voices(self) -> frozenset[str]:
        """The ids of the cloned voices with a valid consent."""
        return frozenset(name for consent in self.voice_consents if not consent.revoked_at for name in consent.voices)

    def persona(self, persona_id: str | None) -> Persona | None:
        """The persona ``persona_id``, else the default one, else the first one, else None."""
        candidates = (persona_id, self.settings.default_persona)
        by_id = {p.id: p for p in self.personas}
        return next((by_id[i] for i in candidates if i in by_id), next(iter(self.personas), None))


@dataclass(frozen=True, slots=True)
class SnapshotChange:
    """The difference to the snapshot of revision ``base_revision``.

    ``rest`` is the new snapshot without FAQ entries. In ``faq``, a number refers to the entry at that index of the base
    snapshot.
    """

    base_revision: int
    rest: Snapshot
    faq: tuple[FaqEntry | int, ...]

    @classmethod
    def between(cls, before: Snapshot, after: Snapshot) -> "SnapshotChange":
        """The change from ``before`` to ``after``. FAQ entries that are the same objects in both are sent as
        numbers."""
        positions = {id(entry): position for position, entry in enumerate(before.faq)}
        faq = tuple(positions.get(id(entry), entry) for entry in after.faq)
        return cls(before.revision, after.model_copy(update={"faq": ()}), faq)

    def apply_to(self, before: Snapshot) -> Snapshot:
        """The new snapshot. Raises ValueError when ``before`` has another revision than ``base_revision``."""
        if before.revision != self.base_revision:
            raise ValueError(f"a change of revision {self.base_revision} does not fit revision {before.revision}")
        faq = tuple(before.faq[entry] if isinstance(entry, int) else entry for entry in self.faq)
        return self.rest.model_copy(update={"faq": faq})
