"""Answers of ``/services``."""

from typing import Literal

from deployments.administration.services import Outcome
from deployments.contracts.frozen import Frozen


class AllOutcomes(Frozen):
    """What became of each service."""

    status: Literal["ok"] = "ok"
    results: tuple[Outcome, ...]
