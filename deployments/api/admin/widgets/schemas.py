"""HTTP bodies of widgets."""

from pydantic import BaseModel, model_validator

from deployments.administration.widgets.service import WidgetDraft
from deployments.api.admin.request_bodies import instance_fields
from deployments.contracts.instances import WidgetSpec


class NewWidget(WidgetDraft):
    """A null field takes its default."""

    @model_validator(mode="before")
    @classmethod
    def _rename_fields(cls, body: object) -> object:
        if not isinstance(body, dict):
            return body
        return {name: value for name, value in instance_fields(body).items() if value is not None}

    def draft(self) -> WidgetDraft:
        return WidgetDraft(**dict(self))


class WidgetList(BaseModel):
    instances: list[WidgetSpec]


class WidgetInstanceReply(BaseModel):
    status: str = "ok"
    instance: WidgetSpec
