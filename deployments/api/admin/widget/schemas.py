"""Widgets over HTTP."""

from pydantic import BaseModel

from deployments.contracts.instances import WidgetSpec


class WidgetList(BaseModel):
    instances: list[WidgetSpec]


class WidgetDone(BaseModel):
    status: str = "ok"
    instance: WidgetSpec
