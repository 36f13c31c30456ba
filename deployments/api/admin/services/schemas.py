"""Replies of ``/services``."""

from typing import Literal

from deployments.administration.services.service_control import ServiceActionResult
from deployments.contracts.frozen_model import FrozenModel


class ServiceActionResults(FrozenModel):
    """Result for each service."""

    status: Literal["ok"] = "ok"
    results: tuple[ServiceActionResult, ...]
