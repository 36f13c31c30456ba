"""The dialog that edits an FAQ entry, beside the same answer in the other language."""

import uuid
from collections.abc import Awaitable, Callable, Sequence

from nicegui import html, ui

from deployments.contracts.errors import SecretaryError
from deployments.contracts.faq_entry import FaqEntry
from ui.components.browser_draft import BrowserDraft
from ui.components.confirmation_dialog import ask_confirmation
from ui.context import PanelContext
from ui.tabs.faq.form import FaqForm
from ui.translations import LANGUAGES
from ui.url_state import UrlState

NEW = "new"
_LANGUAGE_TEXTS = {"ru": "faq.in_ru", "en": "faq.in_en"}


class FaqEditor:
    """One dialog for the page, drawn for each entry. ``on_saved`` is awaited after a change. The address names the
    entry while the dialog is open, and what is typed is kept in the browser, so that a reload loses nothing."""

    def __init__(self, panel: PanelContext, url: UrlState, on_saved: Callable[[], Awaitable[None]]) -> None:
        self._panel = panel
        self._url = url
        self._on_saved = on_saved
        self._forms: list[FaqForm] = []
        self._topic = ""
        t = panel.t
        with ui.dialog() as self._dialog, ui.card().classes("dialog faq-editor") as self._card:
            self._card.props('role=dialog aria-modal="true"')
            self._dialog.props("persistent")  # a click outside must not discard the text
            self._title = ui.label().classes("dialog-title").props("role=heading aria-level=2")
            self._restored = html.div().classes("notice").props("role=status")
            with self._restored:
                html.span(t("faq.restored"))
                ui.button(t("faq.discard"), on_click=self._discard_draft).props("flat dense no-caps")
            self._columns = html.div().classes("faq-columns")
            with html.div().classes("dialog-actions"):
                ui.button(t("common.cancel"), on_click=self._cancel).props("flat no-caps")
                ui.button(t("common.save"), on_click=self._save).props("unelevated no-caps")
            self._draft = BrowserDraft(panel.session.username, self._on_draft)

    async def open(self, entry: FaqEntry | None = None, question: str = "") -> None:
        """Opens the dialog for ``entry`` or for a new entry, which may have a ``question`` already."""
        self._title.text = title = self._panel.t("faq.edit" if entry else "faq.add")
        self._card.props["aria-label"] = title
        self._dialog.props["aria-label"] = title
        try:
            siblings = await self._panel.faq.siblings(entry.id) if entry else ()
        except SecretaryError as error:
            self._panel.toast_error(error)
            return
        self._topic = entry.topic if entry else ""
        self._restored.set_visibility(False)
        self._draw(entry, siblings, entry.language if entry else self._panel.t.language)
        if question:
            self._forms[0].fill({"question": question})
        self._dialog.open()
        key = str(entry.id) if entry else NEW
        self._url.set(edit=key, question=None)
        self._draft.watch(f"faq:{key}", {"version": str(entry.version) if entry else ""})

    async def open_named(self, key: str, question: str) -> None:
        """Opens the entry that the address names, if there is one and the user may change it."""
        if not key or not self._panel.faq.can_change:
            return
        try:
            entry = await self._panel.faq.get(int(key)) if key.isdecimal() and len(key) < 10 else None
        except SecretaryError as error:
            self._url.set(edit=None)
            self._panel.toast_error(error)
        else:
            await self.open(entry, question)

    def _draw(self, entry: FaqEntry | None, siblings: Sequence[FaqEntry], language: str) -> None:
        self._forms = []
        self._columns.clear()
        with self._columns:
            self._draw_form(language, entry)
            for sibling in siblings:
                self._draw_form(sibling.language, sibling)
            self._draw_offers()

    def _draw_form(self, language: str, entry: FaqEntry | None) -> None:
        t = self._panel.t
        with html.section().classes("faq-column") as column, html.div().classes("faq-column-head"):
            if entry is None and not self._forms:
                self._draw_language_choice(language)
            else:
                key = _LANGUAGE_TEXTS.get(language)
                html.h3(t(key) if key else language.upper())
        with column:
            self._forms.append(FaqForm(self._panel, language, entry, self._save, f"{len(self._forms)}"))

    def _draw_language_choice(self, language: str) -> None:
        def choose(code: str) -> None:
            self._forms[0].language = code
            self._draw_again()

        choice = ui.toggle({code: code.upper() for code in LANGUAGES}, value=language)
        choice.props("unelevated dense").on_value_change(lambda e: choose(str(e.value)))
        choice.props["aria-label"] = self._panel.t("faq.language")

    def _draw_again(self) -> None:
        """Draws the offers of further languages again, after the language of a new entry has changed."""
        self._offers.delete()
        with self._columns:
            self._draw_offers()

    def _draw_offers(self) -> None:
        """One button for each language that the answer does not have."""
        t = self._panel.t
        with html.div().classes("faq-offers") as self._offers:
            for code in LANGUAGES:
                if code not in {form.language for form in self._forms} and len(self._forms) < len(LANGUAGES):
                    label = t("faq.also_in_ru" if code == "ru" else "faq.also_in_en")
                    ui.button(label, icon="translate", on_click=lambda code=code: self._add_language(code)).props(
                        "flat dense no-caps"
                    )

    def _add_language(self, code: str) -> None:
        self._offers.delete()
        with self._columns:
            self._draw_form(code, None)
            self._draw_offers()

    def _on_draft(self, values: dict[str, str]) -> None:
        """Puts back what was typed before a reload."""
        found: list[dict[str, str]] = []
        for index in range(len(LANGUAGES)):
            prefix = f"{index}."
            found.append({name.removeprefix(prefix): v for name, v in values.items() if name.startswith(prefix)})
        if len(self._forms) == 1 and any(text.strip() for text in found[1].values()):
            missing = next(code for code in LANGUAGES if code != self._forms[0].language)
            self._add_language(missing)
        for form, texts in zip(self._forms, found, strict=False):
            form.fill(texts)
        version, entry = values.get("version", ""), self._forms[0].entry
        if entry is not None and version.isdecimal() and int(version) != entry.version:
            self._forms[0].entry = entry.model_copy(
                update={"version": int(version)}
            )  # so that saving reports the change
            self._draft.keep("version", version)
        self._restored.set_visibility(any(form.is_changed for form in self._forms))

    async def _discard_draft(self) -> None:
        self._draft.close()
        entry = self._forms[0].entry
        await self.open(entry)

    async def _cancel(self) -> None:
        t = self._panel.t
        changed = any(form.is_changed and (form.entry is not None or not form.is_empty) for form in self._forms)
        if changed and not await ask_confirmation(
            self._panel.client, t("faq.leave_title"), t("faq.leave_text"), t("faq.leave"), t("faq.stay")
        ):
            return
        self._close()

    def _close(self) -> None:
        self._draft.close()
        self._url.set(edit=None)
        self._dialog.close()

    async def _save(self) -> None:
        forms = [self._forms[0], *(form for form in self._forms[1:] if form.entry or not form.is_empty)]
        topic = self._topic or (uuid.uuid4().hex[:12] if len(forms) > 1 else "")
        drafts = [form.draft(topic) for form in forms]
        stored = 0
        for form, draft in zip(forms, drafts, strict=True):
            if any(each is None for each in drafts) or draft is None or not await form.store(draft):
                break
            stored += 1
            self._topic = topic
        if stored == len(forms):
            self._close()
            self._panel.toast(self._panel.t("faq.saved"))
        if stored:
            await self._on_saved()
