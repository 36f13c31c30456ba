"""The ranking of the newest answers, kept in memory and made anew when something it depends on has changed."""

from deployments.answers.ranking import Ranking
from deployments.answers.teller import Clock
from deployments.contracts.settings import FaqEntry, FaqSettings, Snapshot


class KeptRanking:
    """``ranking`` is None before the first snapshot and after ``forget``. To rank takes as long as there are answers:
    a snapshot in which only other things changed costs nothing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._made_of: tuple[tuple[FaqEntry, ...], FaqSettings, str] | None = None
        self.ranking: Ranking | None = None

    def prepare(self, snapshot: Snapshot) -> None:
        """Ranks the answers of ``snapshot`` under its settings."""
        settings = snapshot.settings
        made_of = (snapshot.faq, settings.faq, settings.time_zone)
        if made_of != self._made_of:
            self.ranking = Ranking(*made_of, self._clock)
            self._made_of = made_of

    def forget(self) -> None:
        self.ranking = self._made_of = None
