"""The first channel: a Telegram bot that is proven by a message, or the other channels."""

from nicegui import html, ui
from pydantic import SecretStr, ValidationError

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.bots.service import BotDraft
from deployments.administration.chat.sessions import SessionFilter
from deployments.contracts.chat import SourceKind
from deployments.contracts.errors import SecretaryError
from ui.components.secret_field import SecretField
from ui.tabs.start.step import StepContext

_POLL_S = 2.0
_RUNNING = "running"
_PROBLEMS = {
    "rejected": "start.bot_rejected",
    "unreachable": "start.bot_unreachable",
    "conflict": "start.bot_conflict",
}


async def draw(step: StepContext) -> None:
    panel, t = step.panel, step.panel.t
    html.h3("Telegram")
    bots = panel.services.publisher.current.bots
    container = html.div()
    with container:
        if bots:
            _draw_proof(step, bots[0].id)
        else:
            _draw_token_form(step, container)
    html.h3(t("nav.widget"))
    html.p(t("start.widget_later"))
    html.h3(t("nav.phone"))
    html.p(t("start.phone_text"))
    html.a(t("start.phone_open"), href=f"{panel.root_path}/phone").classes("text-link")


def _draw_token_form(step: StepContext, container: html.div) -> None:
    panel, t = step.panel, step.panel.t
    html.p(t("start.token_help"))
    token = SecretField(panel, t("start.token"))
    problem = ui.label().classes("start-problem").props("role=alert")

    async def connect() -> None:
        problem.text = ""
        try:
            by = panel.require_change(AdminResource.BOTS)
            draft = BotDraft(name="Telegram", token=SecretStr(token.entered or ""), access="everyone")
            bot = await panel.services.office.bots.create(draft, by)
        except ValidationError:
            problem.text = t("start.token_wrong")
            return
        except SecretaryError as error:
            panel.toast_error(error)
            return
        container.clear()
        with container:
            _draw_proof(step, bot.id)

    ui.button(t("start.connect"), on_click=connect).props("unelevated no-caps")


def _draw_proof(step: StepContext, bot_id: str) -> None:
    """Waits for the bot, then for a message to it."""
    panel, t = step.panel, step.panel.t
    note = ui.label().classes("start-proof").props("role=status")
    place = html.div()
    proven = False

    async def look() -> None:
        nonlocal proven
        if proven:
            return
        status = next((each for each in await panel.services.bots() if each.id == bot_id), None)
        if status is None or status.state != _RUNNING:
            note.text = t(_PROBLEMS.get(status.state if status else "", "start.bot_starting"))
            return
        filters = SessionFilter(source=SourceKind.TELEGRAM.value, source_id=bot_id)
        sessions, _ = await panel.services.chats.page(panel.session.identity, filters, 1, 0)
        if not sessions or not sessions[0].message_count:
            note.text = t("start.send_message", bot=f"@{status.username}")
            return
        proven = True
        note.text = t("start.message_came", message=sessions[0].last_message)
        await step.done()
        with place:
            step.next_button()

    ui.timer(_POLL_S, look)
