"""The sections of a configuration file: what each exports, and what its import changes."""

from collections.abc import Mapping
from typing import Any, Generic, Protocol, TypeVar

from pydantic import ValidationError

from deployments.administration.faq.files import ImportRow, RejectedRow
from deployments.administration.faq.importing import FaqImporter
from deployments.administration.faq.service import FaqAdministration, FaqDraft
from deployments.administration.office.drafts import Draft, version_of
from deployments.administration.office.spec_administration import (
    KeyedSpecAdministration,
    NamedSpecAdministration,
    SpecAdministration,
)
from deployments.administration.settings.merging import given_paths, merged_settings
from deployments.administration.settings.service import SettingsAdministration
from deployments.administration.transfer.document import RefusedItem, SectionName, SectionReport
from deployments.contracts.errors import InvalidRequest, SecretaryError
from deployments.contracts.frozen_model import FrozenModel
from deployments.contracts.identity import Role
from deployments.contracts.settings import Settings

SpecT = TypeVar("SpecT", bound=FrozenModel)
DraftT = TypeVar("DraftT", bound=Draft)
_MAX_LISTED = 200


class Section(Protocol):
    """A part of the configuration."""

    name: SectionName

    async def export(self) -> Any:
        """The content as JSON values, without secrets."""

    async def load(self, content: Any, by: str, *, dry_run: bool) -> SectionReport:
        """Creates and updates the entries of ``content``; others stay. Raises InvalidRequest for another shape."""


class SpecSection(Generic[SpecT, DraftT]):
    """Entries by key. ``secrets`` are fields of the draft that are never exported. ``needs_secret``: a new entry cannot
    be made without one."""

    def __init__(
        self,
        name: SectionName,
        administration: SpecAdministration[SpecT, DraftT],
        draft_model: type[DraftT],
        *,
        secrets: frozenset[str] = frozenset(),
        builtin: frozenset[str] = frozenset(),
        needs_secret: bool = False,
    ) -> None:
        self.name = name
        self._administration = administration
        self._draft_model = draft_model
        self._fields = set(draft_model.model_fields) - secrets
        self._builtin = builtin
        self._needs_secret = needs_secret

    async def export(self) -> Any:
        specs = await self._stored()
        return {key: spec.model_dump(mode="json", include=self._fields) for key, spec in specs.items()}

    async def load(self, content: Any, by: str, *, dry_run: bool) -> SectionReport:
        pending, refused = self._read(content)
        stored = await self._stored()
        done: dict[str, str] = {}
        progress = True
        while pending and progress:  # an entry may refer to a later one of its section
            progress = False
            refused = [item for item in refused if item.key not in pending]
            for key, fields in list(pending.items()):
                try:
                    done[key] = await self._load_one(key, fields, stored.get(key), by, dry_run)
                except SecretaryError as error:
                    refused.append(RefusedItem(key=key, reason=error.message))
                else:
                    del pending[key]
                    progress = True
        outcomes = list(done.values())
        return SectionReport(
            section=self.name,
            created=outcomes.count("created"),
            updated=outcomes.count("updated"),
            unchanged=outcomes.count("unchanged"),
            changes=tuple(key for key, outcome in done.items() if outcome != "unchanged")[:_MAX_LISTED],
            refused=tuple(refused),
        )

    async def _stored(self) -> dict[str, SpecT]:
        key_field = self._administration.key_field
        specs = {str(getattr(spec, key_field)): spec for spec in await self._administration.list()}
        return {key: spec for key, spec in specs.items() if key not in self._builtin}

    def _read(self, content: Any) -> tuple[dict[str, Mapping[str, Any]], list[RefusedItem]]:
        if not isinstance(content, dict):
            raise InvalidRequest(f"{self.name}: expected entries by key", param="file")
        valid: dict[str, Mapping[str, Any]] = {}
        refused = []
        for key, fields in content.items():
            if not isinstance(fields, dict) or not fields.keys() <= self._fields or key in self._builtin:
                refused.append(RefusedItem(key=key, reason="this entry has unknown fields, or is a builtin one"))
                continue
            try:
                self._draft_model.model_validate(fields)
            except ValidationError as error:
                refused.append(RefusedItem(key=key, reason=_reason(error)))
            else:
                valid[key] = fields
        return valid, refused

    async def _load_one(self, key: str, fields: Mapping[str, Any], before: SpecT | None, by: str, dry_run: bool) -> str:
        """created, updated or unchanged. Raises what the administration raises."""
        draft = self._draft_model.model_validate(fields)
        given = draft.model_dump(mode="json", include=set(fields))
        if before is not None and before.model_dump(mode="json", include=set(fields)) == given:
            return "unchanged"
        if before is None and self._needs_secret:
            raise InvalidRequest("this one is new here and its secret is not in the file: create it first, with it")
        if not dry_run:
            await self._store(key, fields, draft, before, by)
        return "created" if before is None else "updated"

    async def _store(self, key: str, fields: Mapping[str, Any], draft: DraftT, before: SpecT | None, by: str) -> None:
        administration = self._administration
        if isinstance(administration, NamedSpecAdministration):
            await administration.update_or_create(key, fields, by)
        elif before is None and isinstance(administration, KeyedSpecAdministration):
            await administration.create(key, draft, by)
        elif before is not None:
            await administration.update(key, draft, version_of(before), by)


class SettingsSection:
    """The live settings. Fields that the file does not have stay."""

    name: SectionName = "settings"

    def __init__(self, settings: SettingsAdministration) -> None:
        self._settings = settings

    async def export(self) -> Any:
        return (await self._settings.get()).model_dump(mode="json")

    async def load(self, content: Any, by: str, *, dry_run: bool) -> SectionReport:
        if not isinstance(content, dict):
            raise InvalidRequest("settings: expected groups by name", param="file")
        before = await self._settings.get()
        try:
            after = merged_settings(before, content)
            changes = tuple(_changed_paths(before, after))
            if changes and not dry_run:
                await self._settings.edit(
                    lambda now: merged_settings(now, content), by, role=Role.ADMIN, given_paths=given_paths(content)
                )
        except ValidationError as error:
            return SectionReport(section=self.name, refused=(RefusedItem(key="settings", reason=_reason(error)),))
        except SecretaryError as error:
            return SectionReport(section=self.name, refused=(RefusedItem(key="settings", reason=error.message),))
        return SectionReport(section=self.name, updated=len(changes), changes=changes)


class FaqSection:
    """The FAQ entries. An entry of the file updates the stored one with its question and language."""

    name: SectionName = "faq"

    def __init__(self, faq: FaqAdministration, importer: FaqImporter) -> None:
        self._faq = faq
        self._importer = importer

    async def export(self) -> Any:
        return [entry.model_dump(mode="json", include=set(FaqDraft.model_fields)) for entry in await self._faq.all()]

    async def load(self, content: Any, by: str, *, dry_run: bool) -> SectionReport:
        if not isinstance(content, list):
            raise InvalidRequest("faq: expected a list of entries", param="file")
        rows, rejected = [], []
        for line, fields in enumerate(content, start=1):
            try:
                rows.append(ImportRow(line, FaqDraft.model_validate(fields)))
            except ValidationError as error:
                rejected.append(RejectedRow(line, _reason(error)))
        report = await self._importer.import_rows(rows, rejected, "merge", dry_run=dry_run, by=by)
        refused = tuple(RefusedItem(key=str(row.line), reason=row.error) for row in report.rejected)
        return SectionReport(
            section=self.name,
            created=report.created,
            updated=report.updated,
            unchanged=report.unchanged,
            refused=refused,
        )


def _changed_paths(before: Settings, after: Settings) -> list[str]:
    old, new = before.model_dump(), after.model_dump()
    paths = []
    for name, value in new.items():
        if isinstance(value, dict) and isinstance(old[name], dict):
            paths += [f"{name}.{inner}" for inner in value if value[inner] != old[name].get(inner)]
        elif value != old[name]:
            paths.append(name)
    return paths


def _reason(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return ": ".join((".".join(str(step) for step in problem["loc"]), problem["msg"]))
