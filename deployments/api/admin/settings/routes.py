"""Live behaviour: read it, change parts of it."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.responses import Response

from deployments.administration.office.report_ingest import ReportIngest
from deployments.administration.settings.service import SettingsAdministration
from deployments.administration.snapshots.publisher import SnapshotPublisher
from deployments.administration.snapshots.subscribers import snapshot_subscribers
from deployments.api.admin.etags import IfMatch, required_version, set_etag
from deployments.api.admin.request_identity import Caller
from deployments.api.admin.settings.schemas import ReplicaRevision, ReplicasReply, SettingsChange, SettingsReply
from deployments.api.errors import from_validation_error
from deployments.contracts.settings import Settings


def settings_router(settings: SettingsAdministration, publisher: SnapshotPublisher, reports: ReportIngest) -> APIRouter:
    router = APIRouter(prefix="/settings", tags=["settings"])

    @router.get("")
    async def read(response: Response) -> SettingsReply:
        """The settings in force. The ETag is the revision of the snapshot."""
        snapshot = publisher.current
        set_etag(response, snapshot.revision)
        return SettingsReply(settings=snapshot.settings, revision=snapshot.revision)

    @router.get("/schema")
    async def schema() -> dict[str, Any]:
        """Default, range and description of every field, as JSON Schema."""
        return Settings.model_json_schema()

    @router.get("/replicas")
    async def replicas() -> ReplicasReply:
        """Which processes run which revision: those that report, and those that only listen."""
        newest = publisher.current.revision
        found = [
            ReplicaRevision(
                name=each.name, revision=each.revision, current=each.revision >= newest, last_seen=each.last_seen
            )
            for each in snapshot_subscribers(reports.doors(), publisher.subscribers(), datetime.now(UTC))
        ]
        return ReplicasReply(
            revision=newest, current=sum(replica.current for replica in found), total=len(found), replicas=found
        )

    @router.patch("")
    async def change(body: SettingsChange, caller: Caller, response: Response, version: IfMatch) -> SettingsReply:
        """Changes the fields that are given. 409 when the settings changed after the revision that was read, 403 when
        an operator changes ``outbound``, ``privacy`` or ``limits``."""
        read = required_version(version, body.revision)
        stored = await settings.edit(
            lambda now: _merged(now, body.settings),
            caller.username,
            read,
            role=caller.role,
            given_paths=_paths(body.settings),
        )
        set_etag(response, stored.revision)
        return SettingsReply(settings=stored.settings, revision=stored.revision)

    return router


def _paths(changes: dict[str, Any]) -> list[tuple[str, ...]]:
    """Every field that is given, with its group."""
    nested = [(name, inner) for name, value in changes.items() if isinstance(value, dict) for inner in value]
    return [*((name,) for name in changes), *nested]


def _merged(settings: Settings, changes: dict[str, Any]) -> Settings:
    try:
        return Settings.model_validate(_overlaid(settings.model_dump(), changes))
    except ValidationError as error:
        raise from_validation_error(error) from None


def _overlaid(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Groups of settings are merged; tables that people write (``default_voices``) are replaced."""
    both = dict(base)
    for name, value in changes.items():
        group = Settings.model_fields.get(name)
        nested = group is not None and isinstance(base.get(name), dict) and isinstance(value, dict)
        both[name] = {**base[name], **value} if nested else value
    return both
