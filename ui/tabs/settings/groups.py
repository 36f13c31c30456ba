"""Groups of the settings, and the names and explanations of their fields."""

from functools import cache

from pydantic import BaseModel

from deployments.administration.settings.service import OPERATOR_FIELDS
from deployments.contracts.identity import Role
from deployments.contracts.settings import Settings
from ui.components.form_fields import field_specs
from ui.components.schema_form import FieldText
from ui.translations import Translator

GENERAL = "general"
"""The group of the fields that belong to no group."""


@cache
def _group_models() -> dict[str, type[BaseModel]]:
    models = {name: field.annotation for name, field in Settings.model_fields.items()}
    return {name: model for name, model in models.items() if isinstance(model, type) and issubclass(model, BaseModel)}


GROUPS = (GENERAL, *_group_models())


def group_title(group: str, t: Translator) -> str:
    return t(f"settings.group.{group}")


def group_of(settings: Settings, group: str) -> BaseModel:
    """The values of a group; all settings for GENERAL, whose fields have no group."""
    return settings if group == GENERAL else getattr(settings, group)


def group_fields(group: str) -> tuple[str, ...]:
    model = Settings if group == GENERAL else _group_models()[group]
    return tuple(spec.name for spec in field_specs(model))


def field_path(group: str, name: str) -> str:
    """The path of a field as in the audit log: ``llm.temperature``."""
    return name if group == GENERAL else f"{group}.{name}"


def field_text(group: str, name: str, t: Translator) -> FieldText:
    """The name and explanation of a field; the schema explains what has no translation."""
    path = field_path(group, name)
    about = f"settings.about.{path}"
    model = Settings if group == GENERAL else _group_models()[group]
    return FieldText(
        t(f"settings.name.{path}"), t(about) if t.has(about) else model.model_fields[name].description or ""
    )


def field_scope(group: str, name: str) -> str:
    """What a field applies to: turn, request, key, door or installation."""
    model = Settings if group == GENERAL else _group_models()[group]
    extra = model.model_fields[name].json_schema_extra
    return str(extra.get("scope", "installation")) if isinstance(extra, dict) else "installation"


def may_change(group: str, name: str, role: Role) -> bool:
    """Whether a user with this role may change the field, once they may change settings at all."""
    return role.covers(Role.ADMIN) or field_path(group, name) in OPERATOR_FIELDS
