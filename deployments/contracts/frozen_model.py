"""The base of configured types: immutable Pydantic models that reject unknown fields."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

Slug = Annotated[
    str,
    Field(pattern=r"^[\w-]{1,50}$"),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 50}),
]
"""Letters of any script, digits, - and _. The JSON Schema has no pattern, because \\w matches ASCII only there."""

Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$", description="BCP 47 primary language tag, for example ru")]


class FrozenModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
