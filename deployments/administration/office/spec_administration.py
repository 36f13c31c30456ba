"""Administration of configured nouns (bots, widgets, providers, route chains, presets, personas).

A draft comes in, is checked against the stored state and becomes a frozen model. Row, revision and audit event are
written in one transaction, then the snapshot is published.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar, Generic, TypeVar

from deployments.administration.audit.value_changes import model_changes
from deployments.administration.office.drafts import (
    Draft,
    NamedDraft,
    apply_changes,
    require_capacity,
    require_version,
    version_of,
)
from deployments.administration.office.lookalikes import require_distinct_name
from deployments.administration.office.slugs import free_slug
from deployments.administration.office.snapshot_writer import SnapshotWriter
from deployments.administration.snapshots.loader import SnapshotField
from deployments.contracts.errors import Conflict, NotFound
from deployments.contracts.frozen_model import FrozenModel
from storage.database import Database
from storage.repositories.audit import AuditEvent
from storage.repositories.specs import SpecRepository
from storage.unit_of_work import UnitOfWork

SpecT = TypeVar("SpecT", bound=FrozenModel)
DraftT = TypeVar("DraftT", bound=Draft)
NamedDraftT = TypeVar("NamedDraftT", bound=NamedDraft)


class SpecAdministration(ABC, Generic[SpecT, DraftT]):
    """List, read, replace and delete. Subclasses decide in ``_build`` which drafts are accepted and in
    ``_check_unused`` which specs may be deleted.

    A change that names a version raises Conflict when the stored version is another one.
    """

    field: ClassVar[SnapshotField]
    noun: ClassVar[str]
    """Names the spec in error messages."""
    resource: ClassVar[str]
    """Names the spec in the audit log."""
    key_field: ClassVar[str] = "id"
    name_field: ClassVar[str] = "name"

    def __init__(self, database: Database, writer: SnapshotWriter) -> None:
        self._database = database
        self._writer = writer

    async def list(self) -> tuple[SpecT, ...]:
        """Every spec, ordered by key."""
        async with self._database.unit_of_work() as work:
            return await self._repository(work).all()

    async def get(self, key: str) -> SpecT:
        """Raises NotFound."""
        async with self._database.unit_of_work() as work:
            return self._require(await self._find(work, key), key)

    async def update(self, key: str, draft: DraftT, expected_version: int, by: str) -> SpecT:
        """Replaces everything that ``draft`` covers. Raises NotFound, Conflict and what the checks of the draft
        raise."""

        async def build(work: UnitOfWork, before: SpecT) -> SpecT:
            return await self._build(work, key, draft, before)

        return await self._change(key, build, by, expected_version)

    async def delete(self, key: str, by: str, expected_version: int | None = None) -> None:
        """Raises NotFound; Conflict for another version and while something needs the spec."""

        async def edit(work: UnitOfWork, _: int) -> tuple[None, AuditEvent]:
            spec = await self._existing(work, key)
            require_version(version_of(spec), expected_version, self.noun)
            await self._check_unused(work, spec)
            await self._repository(work).remove(key)
            return None, AuditEvent(by, "delete", self.resource, key, detail=model_changes(spec, None))

        await self._writer.change(self.field, edit)

    @abstractmethod
    def _repository(self, work: UnitOfWork) -> SpecRepository[SpecT]: ...

    @abstractmethod
    async def _build(self, work: UnitOfWork, key: str, draft: DraftT, before: SpecT | None) -> SpecT:
        """The spec to store for ``draft``; ``before`` is the stored one, if any. Raises when the draft cannot work."""

    async def _check_unused(self, work: UnitOfWork, spec: SpecT) -> None:
        """Raises Conflict while something needs ``spec``."""

    async def _find(self, work: UnitOfWork, key: str) -> SpecT | None:
        return await self._repository(work).get(key)

    async def _existing(self, work: UnitOfWork, key: str) -> SpecT:
        """The spec that is about to change. Raises NotFound."""
        return self._require(await self._repository(work).get(key), key)

    def _require(self, spec: SpecT | None, key: str) -> SpecT:
        if spec is None:
            raise NotFound(f"there is no {self.noun} {key!r}")
        return spec

    async def _insert(self, work: UnitOfWork, key: str, draft: DraftT, by: str) -> tuple[SpecT, AuditEvent]:
        require_capacity(await self._repository(work).all(), f"{self.noun}s")
        spec = await self._build(work, key, draft, None)
        await self._save(work, None, spec)
        return spec, AuditEvent(by, "create", self.resource, key, detail=model_changes(None, spec))

    async def _save(self, work: UnitOfWork, before: SpecT | None, after: SpecT) -> None:
        """Raises Conflict and InvalidRequest for a new name that looks like another one (``lookalikes.py``)."""
        name = getattr(after, self.name_field)
        if before is None or name != getattr(before, self.name_field):
            key = getattr(after, self.key_field)
            others = [spec for spec in await self._repository(work).all() if getattr(spec, self.key_field) != key]
            require_distinct_name(name, [getattr(other, self.name_field) for other in others], self.name_field)
        await self._repository(work).save(after)

    async def _change(
        self,
        key: str,
        build: Callable[[UnitOfWork, SpecT], Awaitable[SpecT]],
        by: str,
        expected_version: int | None,
        *,
        action: str = "update",
    ) -> SpecT:
        """Stores what ``build`` makes of the spec. ``action`` goes to the audit log with the old and new values."""

        async def edit(work: UnitOfWork, _: int) -> tuple[SpecT, AuditEvent]:
            before = await self._existing(work, key)
            require_version(version_of(before), expected_version, self.noun)
            after = await build(work, before)
            await self._save(work, before, after)
            return after, AuditEvent(by, action, self.resource, key, detail=model_changes(before, after))

        return await self._writer.change(self.field, edit)


class KeyedSpecAdministration(SpecAdministration[SpecT, DraftT]):
    """Specs whose key is chosen by the caller."""

    async def create(self, key: str, draft: DraftT, by: str) -> SpecT:
        """Raises Conflict when the key is taken or the table is full, and what the checks of the draft raise."""

        async def edit(work: UnitOfWork, _: int) -> tuple[SpecT, AuditEvent]:
            if await self._find(work, key) is not None:
                raise Conflict(f"there is a {self.noun} {key!r} already", param=self.key_field)
            return await self._insert(work, key, draft, by)

        return await self._writer.change(self.field, edit)


class NamedSpecAdministration(SpecAdministration[SpecT, NamedDraftT]):
    """Specs whose key is a slug of their name. They can be changed field by field."""

    draft_model: type[NamedDraftT]

    async def create(self, draft: NamedDraftT, by: str) -> SpecT:
        """Raises Conflict when the table is full, and what the checks of the draft raise."""

        async def edit(work: UnitOfWork, _: int) -> tuple[SpecT, AuditEvent]:
            taken = {getattr(spec, self.key_field) for spec in await self._repository(work).all()}
            return await self._insert(work, free_slug(draft.name, taken, self.noun), draft, by)

        return await self._writer.change(self.field, edit)

    async def change(
        self, key: str, changes: Mapping[str, object], by: str, expected_version: int | None = None
    ) -> SpecT:
        """Changes the given fields of the draft model; None resets a field to its default. Raises what ``update``
        raises, and InvalidRequest naming the field."""

        async def build(work: UnitOfWork, before: SpecT) -> SpecT:
            return await self._build(work, key, self._merge(before, changes), before)

        return await self._change(key, build, by, expected_version)

    async def update_or_create(
        self, key: str, changes: Mapping[str, object], by: str, expected_version: int | None = None
    ) -> SpecT:
        """``change``; a spec that does not exist is created with ``key`` as its id and name. Raises Conflict when a
        version is expected of a spec that does not exist."""

        async def edit(work: UnitOfWork, _: int) -> tuple[SpecT, AuditEvent]:
            before = await self._repository(work).get(key)
            require_version(version_of(before) if before else 0, expected_version, self.noun)
            if before is None:
                draft = apply_changes(self.draft_model, {"name": key}, changes)
                return await self._insert(work, key, draft, by)
            after = await self._build(work, key, self._merge(before, changes), before)
            await self._save(work, before, after)
            return after, AuditEvent(by, "update", self.resource, key, detail=model_changes(before, after))

        return await self._writer.change(self.field, edit)

    def _merge(self, before: SpecT, changes: Mapping[str, object]) -> NamedDraftT:
        base = before.model_dump(include=set(self.draft_model.model_fields))
        return apply_changes(self.draft_model, base, changes)
