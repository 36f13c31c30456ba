"""What all configured nouns share: they do not change, and they refuse fields that they do not know."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

Slug = Annotated[
    str,
    Field(pattern=r"^[\w-]{1,50}$"),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 50}),
]
"""Letters of any script, digits, - and _. Patterns of JSON Schema know the letters of ASCII only."""

Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$", description="BCP 47 primary language tag, for example ru")]


class FrozenModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
