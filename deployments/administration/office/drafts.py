"""Input models of the administration: validation of texts, partial changes, versions and limits."""

import hashlib
from collections.abc import Mapping, Sized
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from deployments.contracts.chat import Route
from deployments.contracts.errors import Conflict, InvalidRequest, ModelNotFound
from deployments.contracts.frozen_model import FrozenModel

_MAX_DEPTH = 32
_MAX_RECORDS = 200


class StorableModel(BaseModel):
    """A request body. Raises ValueError for texts that PostgreSQL or UTF-8 cannot store."""

    model_config = ConfigDict(hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _check_storable(cls, value: object) -> object:
        require_storable(value)
        return value


class Draft(StorableModel, FrozenModel):
    """The fields of a stored model that people fill in."""


class NamedDraft(Draft):
    """A draft of something that has a name."""

    name: str = Field(min_length=1, max_length=100)


def _check_route(text: str) -> str:
    try:
        Route.parse(text)
    except ModelNotFound as error:
        raise ValueError(error.message) from None
    return text


RouteName = Annotated[str, Field(max_length=100), AfterValidator(_check_route)]
"""local, cloud:<provider id> or chain:<name>; "" means the default route."""

DraftT = TypeVar("DraftT", bound=BaseModel)


def apply_changes(model: type[DraftT], base: Mapping[str, object], changes: Mapping[str, object]) -> DraftT:
    """A ``model`` of ``base`` updated with ``changes``; None resets a field to its default. Raises InvalidRequest
    naming the field."""
    merged = {name: value for name, value in {**base, **changes}.items() if value is not None}
    try:
        return model.model_validate(merged)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
        param = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in problem["loc"]).lstrip(".")
        raise InvalidRequest(f"{param}: {problem['msg']}" if param else problem["msg"], param=param or None) from None


def require_version(stored: int, expected: int | None, what: str) -> None:
    """Raises Conflict when ``stored`` is not the ``expected`` version; None accepts any. ``what`` names the record."""
    if expected not in (None, stored):
        raise Conflict(f"this {what} was changed meanwhile; read it again", param="version")


def require_capacity(stored: Sized, what: str) -> None:
    """Raises Conflict when there are 200 records. Every door holds all of them in memory."""
    if len(stored) >= _MAX_RECORDS:
        raise Conflict(f"there are {_MAX_RECORDS} {what}: delete some first")


def content_fingerprint(stored: FrozenModel) -> int:
    """A number that changes with the content: the version of a model without a ``version`` field."""
    return int.from_bytes(hashlib.sha256(stored.model_dump_json().encode()).digest()[:6], "big")


def version_of(stored: FrozenModel) -> int:
    """The ``version`` field; the fingerprint of the content for models without one."""
    version = getattr(stored, "version", None)
    return version if isinstance(version, int) else content_fingerprint(stored)


def require_storable(value: object) -> None:
    """Raises ValueError for texts with a null character or a lone surrogate, and for nesting deeper than 32 levels."""
    level = [value]
    for _ in range(_MAX_DEPTH):
        for text in level:
            if isinstance(text, str):
                _require_text(text)
        level = [child for item in level for child in _children(item)]
        if not level:
            return
    raise ValueError("is nested too deeply")


def _require_text(text: str) -> None:
    if "\0" in text:
        raise ValueError("must not contain null characters")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("must be valid Unicode text") from None


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    return list(value) if isinstance(value, list | tuple) else []
