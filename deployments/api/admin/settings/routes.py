"""Routes of ``/settings``: read and change the live settings."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import ValidationError
from starlette.responses import Response

from deployments.administration.office.report_ingest import ReportIngest
from deployments.administration.settings.history import SettingsHistory
from deployments.administration.settings.merging import given_paths, merged_settings
from deployments.administration.settings.service import SettingsAdministration
from deployments.administration.snapshots.publisher import SnapshotPublisher
from deployments.administration.snapshots.subscribers import snapshot_subscribers
from deployments.api.admin.etags import IfMatch, required_version, set_etag
from deployments.api.admin.request_identity import Caller
from deployments.api.admin.settings.schemas import (
    HistoryReply,
    ReplicaRevision,
    ReplicasReply,
    SettingChangeReply,
    SettingsChange,
    SettingsReply,
)
from deployments.api.errors import from_validation_error
from deployments.contracts.settings import Settings


def settings_router(
    settings: SettingsAdministration, publisher: SnapshotPublisher, reports: ReportIngest, history: SettingsHistory
) -> APIRouter:
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

    @router.get("/history")
    async def field_history(
        field: Annotated[str, Query(max_length=100)], limit: Annotated[int, Query(ge=1, le=200)] = 50
    ) -> HistoryReply:
        """Lists the changes of one field such as ``llm.temperature``, newest first. Values are JSON."""
        found = await history.of_field(field, limit)
        return HistoryReply(field=field, changes=[SettingChangeReply(**asdict(change)) for change in found])

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
            given_paths=given_paths(body.settings),
        )
        set_etag(response, stored.revision)
        return SettingsReply(settings=stored.settings, revision=stored.revision)

    return router


def _apply_changes(settings: Settings, changes: dict[str, Any]) -> Settings:
    try:
        return merged_settings(settings, changes)
    except ValidationError as error:
        raise from_validation_error(error) from None
