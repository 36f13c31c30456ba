"""Why a phrase matches an FAQ entry or none: what each stage of the search considered."""

from dataclasses import dataclass
from typing import Literal

from deployments.contracts.events import AnswerMatch

Stage = Literal["exact", "ranked", "meaning"]
"""In the order of the search. *exact* covers whole questions and key phrases."""

Refusal = Literal["threshold", "margin", "nearer", "negation", "subject", "language"]
"""*threshold*: the score is too low. *margin*: another answer is almost as near. *nearer*: another entry comes first.
*negation*: only one of phrase and entry is negated. *subject*: the phrase names another thing, place or day.
*language*: the entry is in another language."""

StageState = Literal["", "disabled", "unavailable", "length"]
"""Why a stage did not search: a setting turns it off, the FAQ deployment does not answer or is still loading, the
phrase is too short or too long."""


@dataclass(frozen=True, slots=True)
class StageCandidate:
    """An entry that a stage considered. Without ``refusals`` it answers, unless an earlier stage does."""

    match: AnswerMatch
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class StageReport:
    """The candidates of one stage, best first. ``threshold``: the lowest score that answers. ``margin``: the lead that
    it needs over other answers."""

    stage: Stage
    candidates: tuple[StageCandidate, ...] = ()
    threshold: float = 0.0
    margin: float = 0.0
    state: StageState = ""

    @property
    def match(self) -> AnswerMatch | None:
        return next((each.match for each in self.candidates if not each.refusals), None)


@dataclass(frozen=True, slots=True)
class MatchReport:
    """What the three stages found for a phrase."""

    stages: tuple[StageReport, ...] = ()

    @property
    def match(self) -> AnswerMatch | None:
        """The answer that is given: that of the first stage that has one."""
        return next((stage.match for stage in self.stages if stage.match), None)
