"""Deletes providers, chains and personas. What is in use is not deleted: the dialog says what uses it."""

from collections.abc import Awaitable, Callable, Sequence

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.llm.route_users import ModelUser, find_persona_users, find_route_users
from deployments.administration.office.drafts import version_of
from deployments.contracts.persona import Persona
from deployments.contracts.providers import ProviderSpec, RouteChain
from ui.components.confirmation_dialog import ask_confirmation
from ui.components.page_parts import attempt
from ui.context import PanelContext

Refresh = Callable[[], Awaitable[None]]
_USERS = {
    "default": ("llm.user_default", ""),
    "persona": ("llm.user_persona", "/llm?section=personas"),
    "bot": ("llm.user_bot", "/telegram"),
    "widget": ("llm.user_widget", "/widget"),
    "chain": ("llm.user_chain", "/llm?section=chains"),
}


async def remove_provider(panel: PanelContext, spec: ProviderSpec, refresh: Refresh) -> None:
    async def delete() -> None:
        username = panel.require_change(AdminResource.PROVIDERS)
        await panel.services.office.providers.delete(spec.id, username, spec.version)

    users = find_route_users(f"cloud:{spec.id}", panel.services.publisher.current)
    await _remove(panel, spec.name, users, panel.t("provider.delete_text"), delete, refresh)


async def remove_chain(panel: PanelContext, chain: RouteChain, refresh: Refresh) -> None:
    async def delete() -> None:
        username = panel.require_change(AdminResource.PROMPTS)
        await panel.services.office.chains.delete(chain.name, username, chain.version)

    users = find_route_users(f"chain:{chain.name}", panel.services.publisher.current)
    await _remove(panel, chain.name, users, panel.t("chain.delete_text"), delete, refresh)


async def remove_persona(panel: PanelContext, persona: Persona, refresh: Refresh) -> None:
    async def delete() -> None:
        username = panel.require_change(AdminResource.PROMPTS)
        await panel.services.office.personas.delete(persona.id, username, version_of(persona))

    users = find_persona_users(persona.id, panel.services.publisher.current)
    await _remove(panel, persona.name, users, panel.t("persona.delete_text"), delete, refresh)


async def _remove(
    panel: PanelContext,
    name: str,
    users: Sequence[ModelUser],
    text: str,
    delete: Callable[[], Awaitable[None]],
    refresh: Refresh,
) -> None:
    t = panel.t
    if users:
        await _explain_users(panel, name, users)
        return
    title = t("llm.delete_title", name=name)
    if not await ask_confirmation(panel.client, title, text, t("common.delete"), t("common.cancel")):
        return
    await attempt(panel, delete, t("llm.deleted", name=name))
    await refresh()


async def _explain_users(panel: PanelContext, name: str, users: Sequence[ModelUser]) -> None:
    t = panel.t
    with panel.client, ui.dialog() as dialog, ui.card().classes("dialog dialog-small").props("role=alertdialog") as box:
        box.props["aria-label"] = t("llm.used_title", name=name)
        dialog.props["aria-label"] = t("llm.used_title", name=name)
        html.h2(t("llm.used_title", name=name)).classes("dialog-title")
        ui.label(t("llm.used_text")).classes("dialog-text")
        with html.ul().classes("llm-users"):
            for user in users:
                key, path = _USERS[user.kind]
                with html.li():
                    text = t(key, name=user.name)
                    if path:
                        html.a(text, href=f"{panel.root_path}{path}").classes("text-link")
                    else:
                        html.span(text)
        with html.div().classes("dialog-actions"):
            ui.button(t("common.close"), on_click=dialog.close).props("flat no-caps autofocus")
    await dialog
    if not panel.client.is_deleted:
        dialog.delete()
