"""A file with the configuration of an installation, without secrets, and the report of an import."""

from datetime import datetime
from typing import Any, Literal, Self

import orjson
from pydantic import Field, ValidationError

from deployments.administration.office.drafts import StorableModel
from deployments.contracts.errors import InvalidRequest
from deployments.contracts.frozen_model import FrozenModel

SectionName = Literal["presets", "providers", "chains", "personas", "settings", "widgets", "bots", "faq"]
SECTIONS: tuple[SectionName, ...] = (
    "presets",
    "providers",
    "chains",
    "personas",
    "settings",
    "widgets",
    "bots",
    "faq",
)
"""In the order of an import: what others refer to comes first."""


class ConfigurationFile(StorableModel):
    """``sections`` has entries by id; settings are nested as in ``/admin/settings``, ``faq`` is a list."""

    format: Literal["ai-secretary configuration"] = "ai-secretary configuration"
    version: Literal[1] = 1
    exported_at: datetime | None = None
    sections: dict[SectionName, Any] = Field(min_length=1)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Raises InvalidRequest for anything but an exported file."""
        try:
            return cls.model_validate(orjson.loads(data))
        except orjson.JSONDecodeError as error:
            raise InvalidRequest(f"the file is not valid JSON: {error}", param="file") from None
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(step) for step in problem["loc"])
            raise InvalidRequest(
                f"this is no exported configuration: {where}: {problem['msg']}", param="file"
            ) from None

    def to_bytes(self) -> bytes:
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_INDENT_2)


class RefusedItem(FrozenModel):
    """An entry that cannot be imported, and why."""

    key: str
    reason: str


class SectionReport(FrozenModel):
    """What an import does, or in a dry run would do. ``changes`` names the entries; at most 200 are listed."""

    section: SectionName
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    changes: tuple[str, ...] = ()
    refused: tuple[RefusedItem, ...] = ()

    @property
    def changed(self) -> int:
        return self.created + self.updated
