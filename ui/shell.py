"""The frame of every page: title, navigation, language, theme, account menu and the area of the open tab."""

from collections.abc import Awaitable, Callable

from nicegui import html, ui
from typing_extensions import override

from ui.auth.guard import LOGOUT_PATH, PASSWORD_PATH
from ui.components.logo import LOGO_URL
from ui.components.navigation_bar import NavigationBar
from ui.components.palette import Palette
from ui.components.visible_timer import refresh_while_visible
from ui.context import PanelContext
from ui.navigation import PanelTab, tabs_of
from ui.preferences import LANGUAGE_COOKIE, THEME_COOKIE, cookie_script
from ui.translations import LANGUAGES

_THEME_ICONS = {"auto": "brightness_auto", "light": "light_mode", "dark": "dark_mode", "contrast": "contrast"}
_THEME_TEXTS = {
    "auto": "shell.theme_auto",
    "light": "shell.theme_light",
    "dark": "shell.theme_dark",
    "contrast": "shell.theme_contrast",
}


class TabArea(ui.sub_pages):
    """Shows the tab of the current path, or a translated page for an unknown path."""

    def __init__(self, panel: PanelContext) -> None:
        self._panel = panel
        super().__init__({tab.path: _tab_builder(tab, panel) for tab in tabs_of(panel)})

    @override
    def _render_404(self) -> None:
        t = self._panel.t
        with html.section().classes("empty"):
            ui.icon("explore_off").classes("empty-icon")
            html.h1(t("shell.not_found")).classes("empty-title")
            html.a(t("shell.to_start"), href=f"{self._panel.root_path}/").classes("text-link")


def _tab_builder(tab: PanelTab, panel: PanelContext) -> Callable[[], Awaitable[None]]:
    async def show() -> None:
        ui.page_title(f"{panel.t(tab.title)} · {panel.t('product')}")
        await tab.show(panel)

    return show


def build_shell(panel: PanelContext) -> None:
    """Builds the frame. A tab is built when its path is opened."""
    t = panel.t
    dark = ui.dark_mode(panel.preferences.dark)
    with html.div().classes("shell"):
        with html.header().classes("shell-header"):
            _brand(panel)
            with html.div().classes("shell-tools"):
                search = html.div()
                _language_switch(panel)
                choose_theme = _theme_switch(panel, dark)
                with search:
                    Palette(panel, choose_theme, _THEME_TEXTS)
                _person_menu(panel)
        with html.nav().classes("shell-nav").props(f'aria-label="{t("nav.label")}"'):
            bar = NavigationBar(panel)
        with html.div().classes("shell-main") as main:
            TabArea(panel)
    ui.skip_link(t("shell.skip"), target=main)
    _follow(bar, panel)


def _follow(bar: NavigationBar, panel: PanelContext) -> None:
    """Keeps the marked link and the badges up to date."""
    router = ui.context.client.sub_pages_router
    bar.mark(router.current_path)
    router.on_path_changed(bar.mark)
    ui.timer(0, bar.refresh, once=True)
    refresh_while_visible(panel, bar.refresh, 3 * panel.refresh_interval_s)


def _brand(panel: PanelContext) -> None:
    with html.a(href=f"{panel.root_path}/").classes("shell-brand"):
        html.img(src=LOGO_URL, alt="", width="30", height="30")
        html.span(panel.t("product"))


def _language_switch(panel: PanelContext) -> None:
    with html.div().classes("segmented").props(f'role=group aria-label="{panel.t("shell.language")}"'):
        for code in LANGUAGES:
            chosen = code == panel.t.language
            button = html.button(code.upper(), type="button", lang=code)
            button.props(f"aria-pressed={'true' if chosen else 'false'} data-language={code}")
            script = cookie_script(LANGUAGE_COOKIE, code, f"{panel.root_path}/")
            button.on("click", js_handler=f"() => {{ {script}; location.reload(); }}")


def _theme_switch(panel: PanelContext, dark: ui.dark_mode) -> Callable[[str], None]:
    """Draws the switch. Returns the function that applies a theme."""
    t = panel.t
    with html.button(type="button").classes("icon-button").props(f'aria-label="{t("shell.theme")}"') as button:
        icon = ui.icon(_THEME_ICONS[panel.preferences.theme])

        def choose(theme: str) -> None:
            dark.value = {"light": False, "dark": True}.get(theme)
            icon.name = _THEME_ICONS[theme]
            store = cookie_script(THEME_COOKIE, theme, f"{panel.root_path}/")
            panel.client.run_javascript(f"{store}; document.documentElement.dataset.theme = '{theme}'")

        with ui.menu().props('anchor="bottom right" self="top right"').classes("menu"):
            for theme, name in _THEME_ICONS.items():
                with ui.menu_item(on_click=lambda theme=theme: choose(theme)).props(
                    f"role=menuitem data-theme-choice={theme}"
                ):
                    ui.icon(name)
                    html.span(t(_THEME_TEXTS[theme]))
    button.props("aria-haspopup=menu")
    return choose


def _person_menu(panel: PanelContext) -> None:
    t = panel.t
    name = panel.session.username
    with html.button(type="button").classes("icon-button person").props("aria-haspopup=menu") as button:
        html.span(name[:1].upper()).props("aria-hidden=true")
        with ui.menu().props('anchor="bottom right" self="top right"').classes("menu"):
            html.div(t("shell.logged_in_as", name=name)).classes("menu-note")
            change = html.a(t("password.title"), href=f"{panel.root_path}{PASSWORD_PATH}", target="_top")
            change.classes("menu-link").props("role=menuitem")
            install = html.button(t("app.install"), type="button").classes("menu-link install-entry")
            install.props("role=menuitem").on("click", js_handler="() => window.installPanel()")
            with html.form(method="post", action=f"{panel.root_path}{LOGOUT_PATH}"):
                html.button(t("shell.logout"), type="submit").classes("menu-link").props(
                    "role=menuitem data-action=logout"
                )
    button.props["aria-label"] = t("shell.account", name=name)
