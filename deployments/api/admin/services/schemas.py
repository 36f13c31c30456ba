"""Answers of ``/services``."""

from deployments.administration.services import Outcome
from deployments.contracts.frozen import Frozen


class AllOutcomes(Frozen):
    """What became of each service."""

    results: tuple[Outcome, ...]
