"""The first question, answered on the page."""

from uuid import uuid4

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.contracts.chat import ChatMessage, ChatTurn, SourceKind, TurnSource
from deployments.contracts.errors import SecretaryError
from deployments.contracts.streams import Closing
from ui.components.bubbles import AnswerBubble
from ui.components.panel_answer import PanelAnswer
from ui.components.text_fields import TextInput
from ui.error_messages import explain_error
from ui.tabs.start.step import StepContext


async def draw(step: StepContext) -> None:
    panel, t = step.panel, step.panel.t
    with html.div().classes("start-row"):
        question = TextInput(t("start.question"), value=t("start.question_example")).props("outlined maxlength=500")
        question.classes("start-grow")
        button = ui.button(t("start.ask_button"), on_click=lambda: ask()).props("unelevated no-caps")
    answers = html.div().classes("start-answers").props('aria-live="polite"')
    question.on("keydown.enter", lambda: ask())

    async def ask() -> None:
        text = (question.value or "").strip()
        if not text or not button.enabled:
            return
        button.disable()
        answers.clear()
        with answers:
            bubble = AnswerBubble(t)
        answer = PanelAnswer()
        turn = ChatTurn(uuid4().hex, TurnSource(SourceKind.ADMIN), (ChatMessage("user", text),))
        try:
            panel.require_change(AdminResource.CONVERSATIONS)
            async with Closing(panel.services.assistant.reply(turn)) as events:
                async for event in events:
                    answer.apply(event)
                    bubble.draw(answer)
        except SecretaryError as error:
            bubble.close(answer)
            with answers:
                html.p(explain_error(error, t)).classes("start-problem").props("role=alert")
            return
        finally:
            button.enable()
        bubble.close(answer)
        if answer.failure is None and answer.text:
            await step.done()
