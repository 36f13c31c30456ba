"""Makes a route the one that answers by default."""

from deployments.administration.auth.permissions import AdminResource
from ui.components.page_parts import attempt
from ui.context import PanelContext
from ui.tabs.llm.route_titles import describe_route


async def choose_default(panel: PanelContext, route: str) -> None:
    t = panel.t
    title = describe_route(route, panel.services.publisher.current, t).text

    async def choose() -> None:
        username = panel.require_change(AdminResource.PROMPTS)
        await panel.services.office.settings.update_fields({"default_route": route}, username)

    await attempt(panel, choose, t("llm.default_chosen", name=title))
