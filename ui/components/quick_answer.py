"""A dialog that turns a question into a prepared answer, or adds its wording to the entry that exists already."""

from collections.abc import Awaitable, Callable
from functools import partial

from nicegui import html, ui
from pydantic import ValidationError

from deployments.administration.faq.service import FaqDraft
from deployments.contracts.errors import Conflict, NotFound, SecretaryError
from deployments.contracts.faq_entry import FaqEntry
from ui.components.text_fields import TextArea, TextInput
from ui.context import PanelContext
from ui.translations import LANGUAGES

_MAX_QUESTION, _MAX_ANSWER = 500, 4_000
_FAQ_ROUTE = "faq:"


def entry_of_route(route: str) -> int | None:
    """The id of the FAQ entry that answered: 7 for "faq:7"."""
    number = route.removeprefix(_FAQ_ROUTE) if route.startswith(_FAQ_ROUTE) else ""
    return int(number) if number.isdecimal() else None


class QuickAnswer:
    """One dialog for each page. ``open`` fills it; ``on_saved`` of the last ``open`` is awaited after saving."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        self._on_saved: Callable[[], Awaitable[None]] | None = None
        t = panel.t
        with ui.dialog() as self._dialog, ui.card().classes("dialog").props('role=dialog aria-modal="true"') as box:
            box.props["aria-label"] = t("quick.title")
            self._dialog.props["aria-label"] = t("quick.title")
            self._dialog.props("persistent")
            html.h2(t("quick.title")).classes("dialog-title")
            html.p(t("quick.lead")).classes("dialog-text")
            self._existing = html.div().classes("notice quick-existing").props("role=status")
            self._question = TextInput(t("quick.question")).props(f"outlined dense maxlength={_MAX_QUESTION}")
            self._question.classes("dialog-field")
            self._answer = TextArea(t("quick.answer")).props(f"outlined dense autogrow maxlength={_MAX_ANSWER}")
            self._answer.classes("dialog-field")
            self._language = ui.toggle({code: code.upper() for code in LANGUAGES}).props("unelevated dense")
            self._language.props["aria-label"] = t("quick.language")
            with html.div().classes("dialog-actions"):
                ui.button(t("common.cancel"), on_click=self._dialog.close).props("flat no-caps")
                ui.button(t("common.save"), on_click=self._save).props("unelevated no-caps")

    async def open(
        self,
        question: str,
        answer: str = "",
        language: str = "",
        entry_id: int | None = None,
        on_saved: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """``entry_id`` is the entry that answered the question."""
        self._on_saved = on_saved
        fields: tuple[tuple[TextInput, str], ...] = (
            (self._question, question[:_MAX_QUESTION]),
            (self._answer, answer[:_MAX_ANSWER]),
        )
        for field, text in fields:
            field.error = None
            field.value = text
        self._language.value = language if language in LANGUAGES else self._panel.t.language
        self._show_existing(await self._find(entry_id))
        self._dialog.open()

    async def _find(self, entry_id: int | None = None) -> FaqEntry | None:
        """The entry that has this wording, else the entry ``entry_id``."""
        faq = self._panel.faq
        try:
            same = await faq.with_wording(self._question.value or "", self._language.value)
            return same or (await faq.get(entry_id) if entry_id is not None else None)
        except NotFound:
            return None
        except SecretaryError as error:
            self._panel.toast_error(error)
            return None

    def _show_existing(self, entry: FaqEntry | None) -> None:
        t = self._panel.t
        self._existing.clear()
        self._existing.set_visibility(entry is not None)
        if entry is None:
            return
        with self._existing:
            html.p(t("quick.exists", id=entry.id, question=entry.question))
            html.p(entry.answer).classes("quick-existing-answer")
            with html.div().classes("dialog-actions"):
                ui.button(t("quick.open_existing"), on_click=partial(self._open_existing, entry)).props(
                    "flat dense no-caps"
                )
                if (self._question.value or "").strip() not in (entry.question, *entry.alternatives):
                    ui.button(t("quick.add_wording"), on_click=partial(self._add_wording, entry)).props(
                        "unelevated dense no-caps"
                    )

    def _open_existing(self, entry: FaqEntry) -> None:
        self._dialog.close()
        ui.navigate.to(f"/faq?edit={entry.id}")

    async def _add_wording(self, entry: FaqEntry) -> None:
        try:
            await self._panel.faq.add_alternative(entry.id, (self._question.value or "").strip())
        except SecretaryError as error:
            self._panel.toast_error(error)
        else:
            await self._finish(self._panel.t("quick.wording_added", id=entry.id))

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
            self._show_existing(await self._find())
        except SecretaryError as error:
            self._panel.toast_error(error)
        else:
            await self._finish(t("quick.saved"))

    async def _finish(self, text: str) -> None:
        self._dialog.close()
        self._panel.toast(text)
        if self._on_saved is not None:
            await self._on_saved()
