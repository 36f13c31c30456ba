"""A first backup, and a second user."""

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.contracts.errors import SecretaryError
from ui.byte_sizes import format_bytes
from ui.tabs.start.step import StepContext


async def draw(step: StepContext) -> None:
    panel, t = step.panel, step.panel.t
    html.h3(t("nav.backup"))
    html.p(t("start.backup_text"))
    result = ui.label().classes("start-proof").props("role=status")

    async def make() -> None:
        button.disable()
        result.text = t("start.backup_runs")
        try:
            stored = await panel.services.operations.backups.create(panel.require_change(AdminResource.BACKUPS))
        except SecretaryError as error:
            result.text = ""
            panel.toast_error(error)
            return
        finally:
            button.enable()
        result.text = t("start.backup_made", name=stored.name, size=format_bytes(stored.size_bytes, t))
        await step.done()

    button = ui.button(t("start.backup_make"), icon="backup", on_click=make).props("outline no-caps")
    html.h3(t("nav.users"))
    html.p(t.count("start.users_now", len(await panel.services.office.users.list())))
    html.a(t("start.users_open"), href=f"{panel.root_path}/users").classes("text-link")
    step.next_button("start.finish")
