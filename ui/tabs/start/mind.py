"""The mind: the language models of this computer, one to download, or a cloud provider."""

from nicegui import html

from ui.components.visible_timer import refresh_while_visible
from ui.tabs.llm.local_models import LocalSection
from ui.tabs.llm.providers import ProviderSection
from ui.tabs.start.choices import Choice, draw_choices
from ui.tabs.start.model_downloads import ModelDownloads
from ui.tabs.start.step import StepContext

_POLL_S = 1.0


async def draw(step: StepContext) -> None:
    t = step.panel.t
    choices = {
        "local": Choice(t("start.mind_here"), "memory", _draw_local),
        "cloud": Choice(t("start.mind_cloud"), "cloud", _draw_cloud),
    }
    await draw_choices(step, "mind", t("start.step_mind"), choices)


async def _draw_local(step: StepContext) -> None:
    panel, t = step.panel, step.panel.t
    html.h3(t("start.mind_now"))
    local = LocalSection(panel, with_services=False)
    html.h3(t("start.mind_download"))
    html.p(t("start.mind_download_text")).classes("muted")
    downloads = ModelDownloads(panel, local.refresh)

    async def follow() -> None:
        await local.refresh()
        await downloads.follow()

    await local.refresh()
    await downloads.refresh()
    overview = await panel.overview.get()
    if any(engine.kind == "chat" and engine.healthy for engine in overview.engines or ()):
        await step.done()
    refresh_while_visible(panel, follow, _POLL_S)


async def _draw_cloud(step: StepContext) -> None:
    html.p(step.panel.t("start.mind_cloud_text")).classes("muted")
    providers = ProviderSection(step.panel, step.done)
    await providers.refresh()
    refresh_while_visible(step.panel, providers.refresh)
