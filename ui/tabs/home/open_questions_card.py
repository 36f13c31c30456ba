"""Questions without an answer: one click writes the answer, another dismisses the question."""

from functools import partial

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from deployments.administration.faq.open_questions import UnansweredQuestion
from deployments.contracts.errors import SecretaryError
from ui.components.page_parts import card
from ui.components.quick_answer import QuickAnswer
from ui.components.section import RedrawnSection, draw_empty_state
from ui.context import PanelContext
from ui.formatting import format_time_ago

_SHOWN = 6
_READ = 100


class OpenQuestionsCard:
    """Shows the newest of them."""

    def __init__(self, panel: PanelContext, quick: QuickAnswer) -> None:
        self._panel = panel
        self._quick = quick
        with card(panel.t("home.open_questions"), size="home-wide"):
            container = html.div()
        self._list: RedrawnSection[tuple[UnansweredQuestion, ...]] = RedrawnSection(container, self._draw)

    async def refresh(self) -> None:
        try:
            self._panel.require_read(AdminResource.OPEN_QUESTIONS)
            self._list.show(await self._panel.services.office.open_questions.list(_READ))
        except SecretaryError as error:
            self._panel.toast_error(error)

    def _draw(self, questions: tuple[UnansweredQuestion, ...]) -> None:
        t = self._panel.t
        if not questions:
            draw_empty_state("task_alt", t("home.all_answered"), t("home.all_answered_hint"))
            return
        with html.ul().classes("home-questions"):
            for question in questions[:_SHOWN]:
                with html.li().classes("home-question"):
                    self._draw_question(question)
        if len(questions) > _SHOWN:
            html.p(t.count("home.more_questions", len(questions) - _SHOWN)).classes("card-note")

    def _draw_question(self, question: UnansweredQuestion) -> None:
        t, panel = self._panel.t, self._panel
        with html.div().classes("home-question-words"):
            html.span(question.question).classes("home-question-text")
            times = t.count("home.asked", len(question.turn_ids))
            channel = t(f"channel.{question.source}")
            html.span(f"{channel} · {times} · {format_time_ago(question.asked_at, t)}").classes("home-before")
        with html.div().classes("home-question-actions"):
            if panel.faq.can_change:
                write = ui.button(t("home.write_answer"), on_click=partial(self._write, question))
                write.props("unelevated dense no-caps aria-haspopup=dialog")
            if panel.can_change(AdminResource.OPEN_QUESTIONS):
                ui.button(t("home.dismiss"), on_click=partial(self._close, question)).props("flat dense no-caps")
            if question.session_id and question.session_id.startswith("chat_"):
                path = f"{panel.root_path}/conversations?id={question.session_id}"
                html.a(t("home.read_conversation"), href=path).classes("text-link")

    async def _write(self, question: UnansweredQuestion) -> None:
        await self._quick.open(question.question, "", question.language, on_saved=partial(self._close, question))

    async def _close(self, question: UnansweredQuestion) -> None:
        try:
            by = self._panel.require_change(AdminResource.OPEN_QUESTIONS)
            await self._panel.services.office.open_questions.close(question.turn_ids, by)
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        await self.refresh()
