"""Settings with given changes: groups are merged, mappings such as ``default_voices`` are replaced."""

from collections.abc import Mapping
from typing import Any

from deployments.contracts.settings import Settings


def merged_settings(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """``changes`` are nested as the settings are. Raises ValidationError."""
    both: dict[str, Any] = settings.model_dump()
    for name, value in changes.items():
        group = Settings.model_fields.get(name)
        nested = group is not None and isinstance(both.get(name), dict) and isinstance(value, Mapping)
        both[name] = {**both[name], **value} if nested else value
    return Settings.model_validate(both)


def given_paths(changes: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The paths of all given fields and groups."""
    nested = [(name, inner) for name, value in changes.items() if isinstance(value, Mapping) for inner in value]
    return [*((name,) for name in changes), *nested]
