"""The line that brings the widget to a website."""

from html import escape
from urllib.parse import quote

from deployments.contracts.instances import WidgetSpec
from ui.components.code_block import code_block
from ui.context import PanelContext


def draw_snippet(panel: PanelContext, spec: WidgetSpec, address: str) -> None:
    """``address`` is that of the secretary; the address of the widget itself goes before it."""
    source = escape(f"{spec.tunnel_url or address}/widget.js?instance={quote(spec.id)}")
    code_block(panel, f'<script src="{source}" async></script>', panel.t("widget.snippet"))
