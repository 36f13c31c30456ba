"""The palette (Ctrl-K): finds pages, settings and actions by words in both languages, and opens them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlencode

from nicegui import html, ui

from deployments.administration.auth.permissions import AdminResource
from ui.auth.guard import LOGOUT_PATH, PASSWORD_PATH
from ui.components.text_fields import TextInput
from ui.context import PanelContext
from ui.navigation import tabs_of
from ui.preferences import LANGUAGE_COOKIE, cookie_script
from ui.translations import LANGUAGES, Translator, load_texts

_MAX_SHOWN = 12
_SETTING, _ABOUT = "settings.name.", "settings.about."
_NEW = (
    ("/faq", "palette.new_answer", AdminResource.FAQ),
    ("/telegram", "palette.new_bot", AdminResource.BOTS),
    ("/widget", "palette.new_widget", AdminResource.WIDGETS),
    ("/keys", "palette.new_key", AdminResource.KEYS),
    ("/users", "palette.new_user", AdminResource.USERS),
)
"""Things that are made by the main button in the heading of a page."""


@dataclass(frozen=True)
class PaletteEntry:
    """A link to ``path``, or an action: ``script`` in the browser or ``act`` here. ``words`` is what a search reads."""

    title: str
    kind: str
    icon: str
    words: str
    path: str = ""
    script: str = ""
    act: Callable[[], None] | None = None


class Palette:
    """Draws the button in the header. ``choose_theme`` applies a theme; ``themes`` are its values by key of text."""

    def __init__(self, panel: PanelContext, choose_theme: Callable[[str], None], themes: dict[str, str]) -> None:
        self._panel = panel
        self._choose_theme = choose_theme
        self._themes = themes
        self._entries: tuple[PaletteEntry, ...] = ()
        t = panel.t
        button = html.button(type="button").classes("icon-button palette-button").props("aria-haspopup=dialog")
        with button.on("click", self._open):
            ui.icon("search").props("aria-hidden=true")
        button.props["aria-label"] = button.props["title"] = f"{t('palette.title')} (Ctrl+K)"

    def _open(self) -> None:
        t = self._panel.t
        self._entries = self._entries or find_entries(self._panel, self._choose_theme, self._themes)
        with self._panel.client.content, ui.dialog().props("position=top") as dialog:
            dialog.props["aria-label"] = t("palette.title")
            dialog.on("hide", dialog.delete)
            with ui.element("div").classes("palette"):
                search = TextInput(placeholder=t("palette.hint")).props(
                    "borderless autofocus autocomplete=off debounce=80"
                )
                search.props["aria-label"] = t("palette.title")
                found = html.div().classes("palette-found")
                status = ui.label().classes("visually-hidden").props("role=status")

        def show() -> None:
            matching = match_entries(self._entries, search.value or "")
            status.set_text(t.count("palette.found", len(matching)))
            found.clear()
            with found:
                for entry in matching[:_MAX_SHOWN]:
                    self._draw(entry, dialog)
                if not matching:
                    ui.label(t("palette.nothing")).classes("palette-nothing")

        search.on_value_change(show)
        show()
        dialog.open()

    def _draw(self, entry: PaletteEntry, dialog: ui.dialog) -> None:
        if entry.path:
            element = html.a(href=f"{self._panel.root_path}{entry.path}")
        else:
            element = html.button(type="button")
        with element.classes("palette-entry"):
            ui.icon(entry.icon).props("aria-hidden=true")
            html.span(entry.title).classes("palette-title")
            html.span(entry.kind).classes("palette-kind")

        def follow() -> None:
            dialog.close()
            if entry.act:
                entry.act()
            if entry.script:
                self._panel.client.run_javascript(entry.script)

        element.on("click", follow)


def match_entries(entries: tuple[PaletteEntry, ...], text: str) -> tuple[PaletteEntry, ...]:
    """The entries that have every word of ``text``; those whose title begins with it come first. Without a text those
    that are no settings."""
    words = text.casefold().split()
    found = [each for each in entries if all(word in each.words for word in words)] if words else list(entries)
    return tuple(sorted(found, key=lambda each: not each.title.casefold().startswith(text.casefold().strip())))


def find_entries(
    panel: PanelContext, choose_theme: Callable[[str], None], themes: dict[str, str]
) -> tuple[PaletteEntry, ...]:
    """Everything that the user of ``panel`` may open or do: pages, actions, settings."""
    return (*_pages(panel), *_new_things(panel), *_actions(panel, choose_theme, themes), *_settings(panel))


def _words(*keys: str) -> str:
    """The texts of ``keys`` in every language, for the search."""
    texts = [load_texts(language).get(key, "") for language in LANGUAGES for key in keys]
    return " ".join(text.casefold() for text in texts if isinstance(text, str))


def _pages(panel: PanelContext) -> list[PaletteEntry]:
    t = panel.t
    return [
        PaletteEntry(t(tab.title), t(tab.group), tab.icon, f"{_words(tab.title, tab.group)} {tab.path}", tab.path)
        for tab in tabs_of(panel)
        if tab.group
    ]


def _new_things(panel: PanelContext) -> list[PaletteEntry]:
    t, paths = panel.t, {tab.path for tab in tabs_of(panel)}
    return [
        PaletteEntry(t(key), t("palette.action"), "add", _words(key), path, f"window.pressMainButton('{path}')")
        for path, key, resource in _NEW
        if path in paths and panel.can_change(resource)
    ]


def _actions(panel: PanelContext, choose_theme: Callable[[str], None], themes: dict[str, str]) -> list[PaletteEntry]:
    t, kind, root = panel.t, panel.t("palette.action"), panel.root_path
    found = [
        PaletteEntry(
            f"{t('shell.theme')}: {t(key)}",
            kind,
            "palette",
            _words("shell.theme", key),
            act=partial(choose_theme, theme),
        )
        for theme, key in themes.items()
    ]
    for language in LANGUAGES:
        name = Translator(language)("palette.language")
        script = f"{cookie_script(LANGUAGE_COOKIE, language, f'{root}/')}; location.reload()"
        words = f"{_words('shell.language', 'palette.language')} {name.casefold()}"
        found.append(PaletteEntry(f"{t('shell.language')}: {name}", kind, "language", words, script=script))
    password = f"location.assign('{root}{PASSWORD_PATH}')"
    logout = (
        "const form = Object.assign(document.createElement('form'), "
        f"{{method: 'post', action: '{root}{LOGOUT_PATH}'}}); document.body.append(form); form.submit()"
    )
    for key, icon, script in (("password.title", "password", password), ("shell.logout", "logout", logout)):
        found.append(PaletteEntry(t(key), kind, icon, _words(key), script=script))
    return found


def _settings(panel: PanelContext) -> list[PaletteEntry]:
    """One entry for each named setting, found by its names and explanations."""
    if not any(tab.path == "/settings" for tab in tabs_of(panel)):
        return []
    kind = panel.t("nav.settings")
    paths = (key.removeprefix(_SETTING) for key in load_texts(panel.t.language) if key.startswith(_SETTING))
    entries = []
    for path in paths:
        title = panel.t(_SETTING + path)
        words = f"{_words(_SETTING + path, _ABOUT + path)} {path}"
        entries.append(PaletteEntry(title, kind, "tune", words, f"/settings?{urlencode({'q': title})}"))
    return entries
