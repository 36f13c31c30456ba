"""Configured nouns (bots, widgets, providers, route chains, presets, personas, voice settings): one row per model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from deployments.contracts.frozen_model import FrozenModel
from deployments.contracts.instances import BotSpec, WidgetSpec
from deployments.contracts.persona import Persona
from deployments.contracts.providers import ProviderSpec, RouteChain
from deployments.contracts.voice_settings import Preset, VoiceSettings
from storage.models import (
    BotRow,
    CloudProviderRow,
    PersonaRow,
    RouteChainRow,
    TtsPresetRow,
    VoiceRow,
    WidgetRow,
)
from storage.models.base import Base

SpecT = TypeVar("SpecT", bound=FrozenModel)


@dataclass(frozen=True)
class SpecTable(Generic[SpecT]):
    """Maps the fields of ``model`` to the columns of ``row``. ``key`` is the field that identifies a model;
    ``renamed`` maps fields to columns of another name, ``unstored`` lists fields without a column."""

    row: type[Base]
    model: type[SpecT]
    key: str = "id"
    renamed: Mapping[str, str] = field(default_factory=dict)
    unstored: frozenset[str] = frozenset()

    def columns(self) -> dict[str, str]:
        """Field name -> column name."""
        return {name: self.renamed.get(name, name) for name in self.model.model_fields if name not in self.unstored}


BOTS = SpecTable(BotRow, BotSpec)
WIDGETS = SpecTable(WidgetRow, WidgetSpec)
PROVIDERS = SpecTable(CloudProviderRow, ProviderSpec)
ROUTE_CHAINS = SpecTable(RouteChainRow, RouteChain, key="name")
PRESETS = SpecTable(TtsPresetRow, Preset, key="name", unstored=frozenset({"builtin"}))
PERSONAS = SpecTable(PersonaRow, Persona)
VOICES = SpecTable(VoiceRow, VoiceSettings, renamed={"preset": "tts_preset"})


class SpecRepository(Generic[SpecT]):
    """Reads and writes the models of one ``SpecTable``. Secrets are sealed before they come here."""

    def __init__(self, session: AsyncSession, table: SpecTable[SpecT]) -> None:
        self._session = session
        self._table = table
        self._key: InstrumentedAttribute[str] = getattr(table.row, table.key)

    async def all(self) -> tuple[SpecT, ...]:
        """Every model, ordered by key."""
        rows = await self._session.scalars(select(self._table.row).order_by(self._key))
        return tuple(self._model(row) for row in rows)

    async def get(self, key: str) -> SpecT | None:
        """The model with this key, or None."""
        row = await self._row(key)
        return self._model(row) if row is not None else None

    async def save(self, spec: SpecT) -> None:
        """Inserts ``spec`` or overwrites the row with the same key, its version included. Raises Conflict when another
        row has its unique name."""
        row = await self._row(getattr(spec, self._table.key))
        if row is None:
            row = self._table.row()
            self._session.add(row)
        values = spec.model_dump(mode="json")
        for name, column in self._table.columns().items():
            setattr(row, column, values[name])
        await self._session.flush()

    async def remove(self, key: str) -> None:
        """Deletes the row with this key, if there is one."""
        await self._session.execute(delete(self._table.row).where(self._key == key))

    async def _row(self, key: str) -> Base | None:
        row: Base | None = await self._session.scalar(select(self._table.row).where(self._key == key))
        return row

    def _model(self, row: Base) -> SpecT:
        return self._table.model.model_validate(
            {name: getattr(row, column) for name, column in self._table.columns().items()}
        )
