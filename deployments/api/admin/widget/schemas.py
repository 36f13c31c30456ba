"""Widgets over HTTP."""

from pydantic import BaseModel, model_validator

from deployments.administration.widgets import WidgetDraft
from deployments.api.admin.bodies import of_instance
from deployments.contracts.instances import WidgetSpec


class NewWidget(WidgetDraft):
    """Fields that are null are as if they were not given."""

    @model_validator(mode="before")
    @classmethod
    def _in_our_words(cls, body: object) -> object:
        if not isinstance(body, dict):
            return body
        return {name: value for name, value in of_instance(body).items() if value is not None}

    def draft(self) -> WidgetDraft:
        return WidgetDraft(**dict(self))


class WidgetList(BaseModel):
    instances: list[WidgetSpec]


class WidgetDone(BaseModel):
    status: str = "ok"
    instance: WidgetSpec
