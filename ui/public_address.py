"""The address at which other programs reach the secretary."""

from ui.context import PanelContext


async def public_address(panel: PanelContext) -> str:
    """SECRETARY_PUBLIC_URL, else the address in the browser. Without a trailing slash."""
    if panel.services.public_url:
        return panel.services.public_url.rstrip("/")
    return str(await panel.client.run_javascript("location.origin"))
