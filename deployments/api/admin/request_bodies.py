"""Request bodies of the office: what is to change, and the version it was made from."""

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
"""What older clients call fields of bots, buttons and widgets."""

_SHOWN_ONLY = frozenset(("id", "tts_engine"))
"""What no change of a bot or a widget is made of: its id stays, and a voice decides its engine."""

_LARGEST_VERSION = 10**15


def rename_fields(body: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """``body`` with its fields under our names."""
    return {names.get(name, name): value for name, value in body.items()}


def instance_fields(body: Mapping[str, Any], names: Mapping[str, str] = LEGACY_FIELD_NAMES) -> dict[str, Any]:
    """What ``body`` says of a bot or a widget, under our names. Whoever reads one can send it back as it is."""
    return {name: value for name, value in rename_fields(body, names).items() if name not in _SHOWN_ONLY}


class AdminRequest(StorableModel, RequestSchema):
    """A body of which nothing is coerced and whose unknown fields are ignored."""


class VersionedAdminRequest(Draft):
    """A form of older clients, which send no version: one that is sent is heeded."""

    version: int | None = Field(
        default=None, ge=0, lt=_LARGEST_VERSION, description="The ETag that was read, unless If-Match names it"
    )


def split_version(body: dict[str, Any]) -> tuple[dict[str, Any], int | None]:
    """The changes in ``body`` without ``version``, and ``version``. Raises InvalidRequest."""
    changes = dict(body)
    version = changes.pop("version", None)
    if version is None:
        return changes, None
    if isinstance(version, bool) or not isinstance(version, int) or not 0 <= version < _LARGEST_VERSION:
        raise InvalidRequest("version is the number that was read.", param="version")
    return changes, version
