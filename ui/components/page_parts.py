"""Parts that most pages share: heading, card, pill, fact, note for readers, and the curl line of a form."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import orjson
from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource, required_roles
from deployments.contracts.errors import SecretaryError
from deployments.contracts.identity import Role
from ui.components.command_copy import draw_command
from ui.components.text_fields import TextInput
from ui.context import PanelContext

Tone = Literal["good", "bad", "warn", "plain"]


def page_heading(title: str, lead: str = "") -> html.div:
    """The heading of a page. Returns the container for its buttons, at the right of the heading."""
    with html.div().classes("page-head"):
        with html.div():
            html.h1(title)
            if lead:
                html.p(lead).classes("page-lead")
        return html.div().classes("page-actions")


def card(title: str, note: str = "", size: str = "") -> html.section:
    """A card with a heading. Use it as a context manager; ``size`` is an additional class, such as "wide"."""
    with html.section().classes(f"card {size}") as section, html.header().classes("card-header"):
        html.h2(title)
        if note:
            html.span(note).classes("card-note")
    return section


def pill(text: str, tone: Tone = "plain") -> html.span:
    """A short state in colour; the text alone says everything."""
    return html.span(text).classes(f"pill pill-{tone}")


def fact(name: str, value: str) -> None:
    """A name and its value, inside ``html.dl().classes("facts")``."""
    with html.div().classes("fact"):
        html.dt(name)
        html.dd(value)


def icon_button(icon: str, label: str, on_click: Callable[[], object]) -> html.button:
    """A button that shows an icon only; ``label`` is read aloud and shown as a tooltip."""
    with html.button(type="button").classes("icon-button small").on("click", lambda: on_click()) as button:
        ui.icon(icon).props("aria-hidden=true")
        ui.tooltip(label)
    button.props["aria-label"] = label
    return button


def show_search_icon(field: TextInput) -> None:
    """Marks ``field`` as one for searching."""
    with field.add_slot("prepend"):
        ui.icon("search").props("aria-hidden=true").classes("search-icon")


def read_only_note(panel: PanelContext, resource: AdminResource) -> None:
    """Says who may change what the page shows, to a user who may not."""
    if panel.can_change(resource):
        return
    operator = required_roles(resource).change is Role.OPERATOR
    role = panel.t("common.role_operator" if operator else "common.role_admin")
    ui.label(panel.t("common.read_only", role=role)).classes("notice").props("role=note")


def curl_line(panel: PanelContext, method: str, path: str, body: Mapping[str, object] | None = None) -> None:
    """The request that does the same as a form, to copy. ``path`` is below "/admin". Secrets do not belong in it."""
    parts = ["curl"] if method == "GET" else [f"curl -X {method}"]
    parts.append(f"$SECRETARY_URL/admin{path} -H 'Authorization: Bearer '$TOKEN")
    if body is not None:
        text = orjson.dumps(body).decode().replace("'", "'\\''")
        parts.append(f"-H 'Content-Type: application/json' -d '{text}'")
    with ui.expansion(panel.t("common.curl")).classes("curl").props("dense"):
        draw_command(panel, " ".join(parts))


async def attempt(panel: PanelContext, action: Callable[[], Awaitable[object]], done: str = "") -> bool:
    """Awaits ``action`` and shows its error, or ``done``. Returns whether it succeeded."""
    try:
        await action()
    except SecretaryError as error:
        panel.toast_error(error)
        return False
    if done:
        panel.toast(done)
    return True
