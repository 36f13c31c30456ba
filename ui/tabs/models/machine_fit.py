"""Whether language models fit the memory of this machine, as its local models report it."""

from dataclasses import dataclass

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.llm.local_models import ModelOption
from ui.byte_sizes import format_bytes
from ui.context import PanelContext
from ui.translations import Translator


@dataclass(frozen=True, slots=True)
class MachineFit:
    """``fits`` is None when nobody knows. ``reason`` says which setting to change."""

    fits: bool | None
    needed: int | None = None
    free: int | None = None
    reason: str = ""

    def describe(self, t: Translator) -> str:
        """The numbers, in a sentence."""
        if self.needed is None:
            return t("models.fit_unknown")
        needed = format_bytes(self.needed, t)
        if self.free is None:
            return t("models.fit_needs", needed=needed)
        if self.fits is None:
            return t("models.fit_at_least", needed=needed, free=format_bytes(self.free, t))
        return t("models.fit_numbers", needed=needed, free=format_bytes(self.free, t))


def fit_of(option: ModelOption) -> MachineFit:
    return MachineFit(option.fits, option.memory_needed, option.memory_free, option.reason)


async def read_fits(panel: PanelContext) -> dict[str, MachineFit]:
    """By id of the model; with several local models the best one. Empty without the right to see local models."""
    if not panel.can_read(AdminResource.LOCAL_MODELS):
        return {}
    order = {True: 2, None: 1, False: 0}
    found: dict[str, MachineFit] = {}
    for view in await panel.services.operations.local_models.list():
        for option in view.options:
            fit = fit_of(option)
            if option.id not in found or order[fit.fits] > order[found[option.id].fits]:
                found[option.id] = fit
    return found
