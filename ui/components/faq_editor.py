"""The dialog that edits an FAQ entry. A concurrent change of the entry is reported, not overwritten."""

from collections.abc import Awaitable, Callable

from nicegui import html, ui
from pydantic import ValidationError

from deployments.administration.faq.service import FaqDraft
from deployments.contracts.errors import Conflict, NotFound, SecretaryError
from deployments.contracts.faq_entry import FaqEntry
from ui.context import PanelContext
from ui.translations import LANGUAGES

_FIELD_PROBLEMS = {
    "question": "faq.bad_question",
    "answer": "faq.bad_answer",
    "alternatives": "faq.bad_list",
    "keywords": "faq.bad_list",
}


def parse_lines(text: str | None) -> tuple[str, ...]:
    """The lines of a text without empty ones."""
    return tuple(line.strip() for line in (text or "").splitlines() if line.strip())


def parse_words(text: str | None) -> tuple[str, ...]:
    """The words of a text, separated by commas or line ends."""
    return tuple(word.strip() for line in parse_lines(text) for word in line.split(",") if word.strip())


class FaqEditor:
    """One dialog for each page, which is filled for every entry. ``on_saved`` is awaited after a change."""

    def __init__(self, panel: PanelContext, on_saved: Callable[[], Awaitable[None]]) -> None:
        self._panel = panel
        self._on_saved = on_saved
        self._entry: FaqEntry | None = None
        t = panel.t
        with ui.dialog() as self._dialog, ui.card().classes("dialog").props('role=dialog aria-modal="true"'):
            self._dialog.props("persistent")  # a click outside must not discard the text
            self._title = ui.label().classes("dialog-title").props("role=heading aria-level=2")
            self._build_conflict()
            self._question = _text_field(t("faq.question"), 500)
            self._answer = _area(t("faq.answer"), t("faq.answer_hint"), 4_000)
            self._alternatives = _area(t("faq.alternatives"), t("faq.alternatives_hint"))
            self._keywords = _text_field(t("faq.keywords"), hint=t("faq.keywords_hint"))
            with html.div().classes("dialog-row"):
                self._language = ui.toggle({code: code.upper() for code in LANGUAGES}).props("unelevated dense")
                self._language.props["aria-label"] = t("faq.language")
                self._enabled = ui.switch(t("faq.enabled"))
            with html.div().classes("dialog-actions"):
                ui.button(t("common.cancel"), on_click=self._dialog.close).props("flat no-caps")
                ui.button(t("common.save"), on_click=self._save).props("unelevated no-caps")

    def open(self, entry: FaqEntry | None = None) -> None:
        """Opens the dialog for ``entry`` or for a new entry."""
        self._title.text = self._panel.t("faq.edit" if entry else "faq.add")
        self._fill(entry)
        self._dialog.open()

    def _build_conflict(self) -> None:
        t = self._panel.t
        with html.div().classes("notice").props("role=alert") as self._conflict:
            ui.label(t("faq.conflict"))
            ui.button(t("faq.load_newest"), on_click=self._load_newest).props("flat dense no-caps")
        self._conflict.set_visibility(False)

    def _fill(self, entry: FaqEntry | None) -> None:
        self._entry = entry
        self._conflict.set_visibility(False)
        for field in (self._question, self._answer, self._alternatives, self._keywords):
            field.error = None
        self._question.value = entry.question if entry else ""
        self._answer.value = entry.answer if entry else ""
        self._alternatives.value = "\n".join(entry.alternatives) if entry else ""
        self._keywords.value = ", ".join(entry.keywords) if entry else ""
        self._language.value = entry.language if entry else self._panel.t.language
        self._enabled.value = entry.enabled if entry else True

    def _draft(self) -> FaqDraft | None:
        """The draft, or None when a field is invalid. The field then shows an error."""
        fields = {
            "question": self._question,
            "answer": self._answer,
            "alternatives": self._alternatives,
            "keywords": self._keywords,
        }
        for field in fields.values():
            field.error = None
        try:
            return FaqDraft(
                question=(self._question.value or "").strip(),
                answer=(self._answer.value or "").strip(),
                alternatives=parse_lines(self._alternatives.value),
                keywords=parse_words(self._keywords.value),
                language=self._language.value or self._panel.t.language,
                enabled=bool(self._enabled.value),
            )
        except ValidationError as error:
            for name in {str(problem["loc"][0]) for problem in error.errors()} & fields.keys():
                fields[name].error = self._panel.t(_FIELD_PROBLEMS[name])
            return None

    async def _save(self) -> None:
        draft = self._draft()
        if draft is None:
            return
        try:
            await self._store(draft)
        except Conflict as error:
            await self._explain_conflict(error)
        except SecretaryError as error:
            self._panel.toast_error(error)
        else:
            self._dialog.close()
            self._panel.toast(self._panel.t("faq.saved"))
            await self._on_saved()

    async def _store(self, draft: FaqDraft) -> None:
        if self._entry is None:
            await self._panel.faq.create(draft)
        else:
            await self._panel.faq.update(self._entry.id, draft, self._entry.version)

    async def _explain_conflict(self, error: Conflict) -> None:
        """Shows whether there is a newer version of this entry or another entry with this question."""
        newest = await self._newest()
        if self._entry is not None and newest is not None and newest.version != self._entry.version:
            self._conflict.set_visibility(True)
        else:
            self._question.error = self._panel.t("faq.taken")

    async def _newest(self) -> FaqEntry | None:
        if self._entry is None:
            return None
        try:
            return await self._panel.faq.get(self._entry.id)
        except NotFound:
            return None

    async def _load_newest(self) -> None:
        newest = await self._newest()
        if newest is None:
            self._dialog.close()
            self._panel.toast(self._panel.t("problem.not_found"), "negative")
        else:
            self._fill(newest)
        await self._on_saved()


def _text_field(label: str, limit: int | None = None, hint: str = "") -> ui.input:
    field = ui.input(label).props("outlined dense").classes("dialog-field")
    if limit:
        field.props(f"maxlength={limit}")
    if hint:
        field.props["hint"] = hint
    return field


def _area(label: str, hint: str, limit: int | None = None) -> ui.textarea:
    field = ui.textarea(label).props("outlined dense autogrow").classes("dialog-field")
    field.props["hint"] = hint
    if limit:
        field.props(f"maxlength={limit} counter")
    return field
