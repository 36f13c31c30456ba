"""The progress of the first steps after installation, stored with the facts about the installation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from deployments.contracts.errors import NotFound
from storage.database import Database

START_STEPS = ("company", "mind", "ask", "voice", "answers", "channel", "safety")
"""In their order."""
_FACT = "start_guide"
_DISMISSED = "dismissed"


class StepState(StrEnum):
    OPEN = "open"
    DONE = "done"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class StartProgress:
    """The state of every step. ``dismissed``: somebody does not want the steps."""

    states: Mapping[str, StepState] = field(default_factory=dict)
    dismissed: bool = False

    def state(self, step: str) -> StepState:
        return self.states.get(step, StepState.OPEN)

    @property
    def is_finished(self) -> bool:
        """Whether no step is left, or they were dismissed."""
        return self.dismissed or self.next_step is None

    @property
    def next_step(self) -> str | None:
        return next((step for step in START_STEPS if self.state(step) is StepState.OPEN), None)

    @property
    def done_count(self) -> int:
        return sum(self.state(step) is StepState.DONE for step in START_STEPS)


class StartGuide:
    """Reads and stores the progress."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def progress(self) -> StartProgress:
        async with self._database.unit_of_work() as work:
            return _parse(await work.installation.get(_FACT) or "")

    async def mark(self, step: str, state: StepState) -> StartProgress:
        """Stores the state of a step. A step that is done is not skipped later. Raises NotFound."""
        if step not in START_STEPS:
            raise NotFound("there is no such step")
        async with self._database.unit_of_work() as work:
            before = _parse(await work.installation.get(_FACT) or "")
            if state is StepState.SKIPPED and before.state(step) is StepState.DONE:
                return before
            after = StartProgress({**before.states, step: state}, before.dismissed)
            await work.installation.put(_FACT, _format(after))
            return after

    async def dismiss(self) -> None:
        """The steps are not offered any more. They stay reachable by their address."""
        async with self._database.unit_of_work() as work:
            before = _parse(await work.installation.get(_FACT) or "")
            await work.installation.put(_FACT, _format(StartProgress(before.states, True)))


def _parse(text: str) -> StartProgress:
    words = text.split()
    pairs = (word.partition(":") for word in words)
    known = {state.value: state for state in StepState}
    states = {step: known[state] for step, _, state in pairs if step in START_STEPS and state in known}
    return StartProgress(states, _DISMISSED in words)


def _format(progress: StartProgress) -> str:
    """``company:done mind:skipped dismissed``."""
    words = [f"{step}:{state.value}" for step, state in progress.states.items()]
    return " ".join([*words, _DISMISSED] if progress.dismissed else words)
