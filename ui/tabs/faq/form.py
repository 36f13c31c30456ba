"""The fields of one FAQ entry, in one language. A concurrent change of the entry is reported, not overwritten."""

from collections.abc import Awaitable, Callable

from nicegui import ui
from pydantic import ValidationError

from deployments.administration.faq.service import FaqDraft
from deployments.answers.templates import unknown_placeholders
from deployments.contracts.errors import Conflict, NotFound, SecretaryError
from deployments.contracts.faq_entry import FaqEntry
from ui.components.browser_draft import keep_in_draft
from ui.components.conflict_choice import ConflictChoice, FieldVersions
from ui.components.text_fields import TextArea, TextInput
from ui.context import PanelContext

_FIELD_PROBLEMS = {
    "question": "faq.bad_question",
    "answer": "faq.bad_answer",
    "alternatives": "faq.bad_list",
    "keywords": "faq.bad_list",
}
TEXTS = ("question", "answer", "alternatives", "keywords")


def parse_lines(text: str | None) -> tuple[str, ...]:
    """The lines of a text without empty ones."""
    return tuple(line.strip() for line in (text or "").splitlines() if line.strip())


def parse_words(text: str | None) -> tuple[str, ...]:
    """The words of a text, separated by commas or line ends."""
    return tuple(word.strip() for line in parse_lines(text) for word in line.split(",") if word.strip())


def entry_texts(entry: FaqEntry | None) -> dict[str, str]:
    """The entry as it is typed, by field."""
    if entry is None:
        return dict.fromkeys(TEXTS, "")
    return {
        "question": entry.question,
        "answer": entry.answer,
        "alternatives": "\n".join(entry.alternatives),
        "keywords": ", ".join(entry.keywords),
    }


class FaqForm:
    """Drawn in the current slot, for ``entry`` or for a new one in ``language``. ``save_all`` saves the whole dialog.
    ``name`` keeps the fields of several forms apart in the draft of the browser."""

    def __init__(
        self,
        panel: PanelContext,
        language: str,
        entry: FaqEntry | None,
        save_all: Callable[[], Awaitable[None]],
        name: str,
    ) -> None:
        self._panel = panel
        self.language = language
        self.entry = entry
        self._newest: FaqEntry | None = None
        self._typed: dict[str, str] = {}
        self._conflict = ConflictChoice(panel, self._keep_mine(save_all), self._take_newest, self._put_back)
        t = panel.t
        self._fields: dict[str, TextInput] = {
            "question": _text_field(t("faq.question"), 500),
            "answer": _area(t("faq.answer"), t("faq.answer_hint"), 4_000),
            "alternatives": _area(t("faq.alternatives"), t("faq.alternatives_hint")),
            "keywords": _text_field(t("faq.keywords"), hint=t("faq.keywords_hint")),
        }
        for field_name, field in self._fields.items():
            keep_in_draft(field, f"{name}.{field_name}")
        self._enabled = ui.switch(t("faq.enabled"), value=entry.enabled if entry else True)
        self.fill(entry_texts(entry))

    @property
    def texts(self) -> dict[str, str]:
        return {name: str(field.value or "") for name, field in self._fields.items()}

    @property
    def is_changed(self) -> bool:
        enabled = self.entry.enabled if self.entry else True
        return self.texts != entry_texts(self.entry) or self._enabled.value != enabled

    @property
    def is_empty(self) -> bool:
        return not any(text.strip() for text in self.texts.values())

    def fill(self, texts: dict[str, str]) -> None:
        for name, field in self._fields.items():
            field.error = None
            if name in texts:
                field.value = texts[name]

    def draft(self, topic: str) -> FaqDraft | None:
        """The draft, or None when a field is invalid. The field then shows an error."""
        texts = self.texts
        for field in self._fields.values():
            field.error = None
        if unknown := unknown_placeholders(texts["answer"]):
            self._fields["answer"].error = self._panel.t("faq.bad_placeholder", name=f"{{{unknown[0]}}}")
            return None
        try:
            return FaqDraft(
                question=texts["question"].strip(),
                answer=texts["answer"].strip(),
                alternatives=parse_lines(texts["alternatives"]),
                keywords=parse_words(texts["keywords"]),
                language=self.language,
                enabled=bool(self._enabled.value),
                topic=topic,
            )
        except ValidationError as error:
            for name in {str(problem["loc"][0]) for problem in error.errors()} & self._fields.keys():
                self._fields[name].error = self._panel.t(_FIELD_PROBLEMS[name])
            return None

    async def store(self, draft: FaqDraft) -> bool:
        """Saves ``draft`` and returns whether that succeeded. Says what is in the way if not."""
        faq = self._panel.faq
        try:
            if self.entry is None:
                self.entry = await faq.create(draft)
            else:
                self.entry = await faq.update(self.entry.id, draft, self.entry.version)
        except Conflict:
            await self._explain_conflict()
            return False
        except SecretaryError as error:
            self._panel.toast_error(error)
            return False
        self._conflict.hide()
        return True

    async def _explain_conflict(self) -> None:
        """Shows whether there is a newer version of this entry or another entry with this question."""
        self._newest = await self._read_newest()
        if self.entry is None or self._newest is None or self._newest.version == self.entry.version:
            self._fields["question"].error = self._panel.t("faq.taken")
            return
        self._typed = self.texts
        theirs, t = entry_texts(self._newest), self._panel.t
        labels = {"question": t("faq.question"), "answer": t("faq.answer")}
        labels |= {"alternatives": t("faq.alternatives"), "keywords": t("faq.keywords")}
        self._conflict.show([FieldVersions(labels[name], self._typed[name], theirs[name]) for name in TEXTS])

    async def _read_newest(self) -> FaqEntry | None:
        if self.entry is None:
            return None
        try:
            return await self._panel.faq.get(self.entry.id)
        except NotFound:
            return None

    def _keep_mine(self, save_all: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        async def save() -> None:
            self.entry = self._newest or self.entry
            await save_all()

        return save

    def _take_newest(self) -> None:
        self.entry = self._newest
        self.fill(entry_texts(self._newest))

    def _put_back(self) -> None:
        self.fill(self._typed)


def _text_field(label: str, limit: int | None = None, hint: str = "") -> TextInput:
    field = TextInput(label).props("outlined dense").classes("dialog-field")
    if limit:
        field.props(f"maxlength={limit}")
    if hint:
        field.props["hint"] = hint
    return field


def _area(label: str, hint: str, limit: int | None = None) -> TextArea:
    area = TextArea(label).props("outlined dense autogrow").classes("dialog-field")
    if limit:
        area.props(f"maxlength={limit} counter")
    area.props["hint"] = hint
    return area
