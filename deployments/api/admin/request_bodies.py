"""Request bodies of the office: changed fields, and the version that they are based on."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Body, Path
from pydantic import BeforeValidator, Field

from deployments.administration.office.drafts import Draft, StorableModel, require_storable
from deployments.api.request_body import RequestSchema
from deployments.contracts.errors import InvalidRequest


def _storable(value: object) -> object:
    require_storable(value)
    return value


FieldChanges = Annotated[
    dict[str, Any],
    BeforeValidator(_storable),
    Body(description="The fields to change; null sets one back to its default"),
]
RowId = Annotated[int, Path(ge=1, le=2**31 - 1)]

LEGACY_FIELD_NAMES = {"llm_backend": "route", "llm_persona": "persona_id", "tts_voice": "voice_id"}
"""Field names of bots, buttons and widgets that older clients use, and the current names."""

_READ_ONLY_FIELDS = frozenset(("id", "tts_engine"))
"""Fields of a bot or a widget that replies contain and changes ignore."""

_MAX_VERSION = 10**15


def rename_fields(body: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Returns ``body`` with its fields under their current names."""
    return {names.get(name, name): value for name, value in body.items()}


def instance_fields(body: Mapping[str, Any], names: Mapping[str, str] = LEGACY_FIELD_NAMES) -> dict[str, Any]:
    """Returns the changed fields of a bot or a widget. Read-only fields are dropped, so a reply can be sent back as it
    is."""
    return {name: value for name, value in rename_fields(body, names).items() if name not in _READ_ONLY_FIELDS}


class AdminRequest(StorableModel, RequestSchema):
    """A request body. Values are not coerced and unknown fields are ignored."""


class VersionedAdminRequest(Draft):
    """A request body with an optional version, since older clients send none."""

    version: int | None = Field(
        default=None, ge=0, lt=_MAX_VERSION, description="The ETag that was read, if If-Match does not name it"
    )


def split_version(body: dict[str, Any]) -> tuple[dict[str, Any], int | None]:
    """Splits ``body`` into the changes and ``version``. Raises InvalidRequest."""
    changes = dict(body)
    version = changes.pop("version", None)
    if version is None:
        return changes, None
    if isinstance(version, bool) or not isinstance(version, int) or not 0 <= version < _MAX_VERSION:
        raise InvalidRequest("version is the number that was read.", param="version")
    return changes, version
