"""Live behaviour: read it, change parts of it."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.responses import Response

from deployments.administration.followers import followers
from deployments.administration.publisher import SnapshotPublisher
from deployments.administration.reports import ReportDesk
from deployments.administration.settings import SettingsAdministration
from deployments.api.admin.identity import Caller
from deployments.api.admin.revisions import IfMatch, expected, tag
from deployments.api.admin.settings.schemas import Replica, ReplicasReply, SettingsChange, SettingsReply
from deployments.api.errors import from_validation
from deployments.contracts.settings import Settings


def settings_router(settings: SettingsAdministration, publisher: SnapshotPublisher, reports: ReportDesk) -> APIRouter:
    router = APIRouter(prefix="/settings", tags=["settings"])

    @router.get("")
    async def read(response: Response) -> SettingsReply:
        """The settings in force. The ETag is the revision of the snapshot."""
        snapshot = publisher.current
        tag(response, snapshot.revision)
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
            Replica(name=each.name, revision=each.revision, current=each.revision >= newest, last_seen=each.last_seen)
            for each in followers(reports.doors(), publisher.subscribers(), datetime.now(UTC))
        ]
        return ReplicasReply(
            revision=newest, current=sum(replica.current for replica in found), total=len(found), replicas=found
        )

    @router.patch("")
    async def change(body: SettingsChange, caller: Caller, response: Response, version: IfMatch) -> SettingsReply:
        """Changes the fields that are given. 409 when the settings changed after the revision that was read, 403 when
        an operator changes ``outbound``, ``privacy`` or ``limits``."""
        read = expected(version, body.revision)
        stored = await settings.revise(
            lambda now: _merged(now, body.settings),
            caller.username,
            read,
            role=caller.role,
            said=_paths(body.settings),
        )
        tag(response, stored.revision)
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
        raise from_validation(error) from None


def _overlaid(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Groups of settings are merged; tables that people write (``default_voices``) are replaced."""
    both = dict(base)
    for name, value in changes.items():
        group = Settings.model_fields.get(name)
        nested = group is not None and isinstance(base.get(name), dict) and isinstance(value, dict)
        both[name] = {**base[name], **value} if nested else value
    return both
