"""A dialog that turns a question into a prepared answer."""

from collections.abc import Awaitable, Callable

from nicegui import html, ui
from pydantic import ValidationError

from deployments.administration.faq.service import FaqDraft
from deployments.contracts.errors import Conflict, SecretaryError
from ui.context import PanelContext
from ui.translations import LANGUAGES

_MAX_QUESTION, _MAX_ANSWER = 500, 4_000


class QuickAnswer:
    """One dialog for each page. ``open`` fills it; ``on_saved`` of the last ``open`` is awaited after saving."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._on_saved: Callable[[], Awaitable[None]] | None = None
        t = panel.t
        with ui.dialog() as self._dialog, ui.card().classes("dialog").props('role=dialog aria-modal="true"'):
            self._dialog.props("persistent")
            html.h2(t("quick.title")).classes("dialog-title")
            html.p(t("quick.lead")).classes("dialog-text")
            self._question = ui.input(t("quick.question")).props(f"outlined dense maxlength={_MAX_QUESTION}")
            self._question.classes("dialog-field")
            self._answer = ui.textarea(t("quick.answer")).props(f"outlined dense autogrow maxlength={_MAX_ANSWER}")
            self._answer.classes("dialog-field")
            self._language = ui.toggle({code: code.upper() for code in LANGUAGES}).props("unelevated dense")
            self._language.props["aria-label"] = t("quick.language")
            with html.div().classes("dialog-actions"):
                ui.button(t("common.cancel"), on_click=self._dialog.close).props("flat no-caps")
                ui.button(t("common.save"), on_click=self._save).props("unelevated no-caps")

    def open(
        self, question: str, answer: str = "", language: str = "", on_saved: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self._on_saved = on_saved
        fields: tuple[tuple[ui.input | ui.textarea, str], ...] = (
            (self._question, question[:_MAX_QUESTION]),
            (self._answer, answer[:_MAX_ANSWER]),
        )
        for field, text in fields:
            field.error = None
            field.value = text
        self._language.value = language if language in LANGUAGES else self._panel.t.language
        self._dialog.open()

    async def _save(self) -> None:
        t = self._panel.t
        self._question.error = self._answer.error = None
        try:
            draft = FaqDraft(
                question=self._question.value or "", answer=self._answer.value or "", language=self._language.value
            )
        except ValidationError as error:
            wrong = {problem["loc"][0] for problem in error.errors()}
            self._question.error = t("quick.bad_question") if "question" in wrong else None
            self._answer.error = t("quick.bad_answer") if "answer" in wrong else None
            return
        try:
            await self._panel.faq.create(draft)
        except Conflict:
            self._question.error = t("quick.taken")
            return
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        self._dialog.close()
        self._panel.toast(t("quick.saved"))
        if self._on_saved is not None:
            await self._on_saved()
