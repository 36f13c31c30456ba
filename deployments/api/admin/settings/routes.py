"""Routes of ``/settings``: read and change the live settings."""

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
        """Returns the current settings. The ETag is the snapshot revision."""
        snapshot = publisher.current
        set_etag(response, snapshot.revision)
        return SettingsReply(settings=snapshot.settings, revision=snapshot.revision)

    @router.get("/schema")
    async def schema() -> dict[str, Any]:
        """Returns default, range and description of every field as JSON Schema."""
        return Settings.model_json_schema()

    @router.get("/replicas")
    async def replicas() -> ReplicasReply:
        """Lists the revision of every process that reports or subscribes."""
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
        """Changes the given fields. 409 if the settings changed after the revision that was read, 403 if an operator
        changes ``outbound``, ``privacy`` or ``limits``."""
        read = required_version(version, body.revision)
        stored = await settings.edit(
            lambda now: _apply_changes(now, body.settings),
            caller.username,
            read,
            role=caller.role,
            given_paths=_given_paths(body.settings),
        )
        set_etag(response, stored.revision)
        return SettingsReply(settings=stored.settings, revision=stored.revision)

    return router


def _given_paths(changes: dict[str, Any]) -> list[tuple[str, ...]]:
    """Returns the paths of all given fields and groups."""
    nested = [(name, inner) for name, value in changes.items() if isinstance(value, dict) for inner in value]
    return [*((name,) for name in changes), *nested]


def _apply_changes(settings: Settings, changes: dict[str, Any]) -> Settings:
    try:
        return Settings.model_validate(_merge(settings.model_dump(), changes))
    except ValidationError as error:
        raise from_validation_error(error) from None


def _merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Merges groups of settings. Mappings such as ``default_voices`` are replaced."""
    both = dict(base)
    for name, value in changes.items():
        group = Settings.model_fields.get(name)
        nested = group is not None and isinstance(base.get(name), dict) and isinstance(value, dict)
        both[name] = {**base[name], **value} if nested else value
    return both
