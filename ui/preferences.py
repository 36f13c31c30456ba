"""Language, theme and sound of a browser, stored in cookies. The login page uses the first two."""

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from ui.translations import DEFAULT_LANGUAGE, LANGUAGES

LANGUAGE_COOKIE = "secretary_language"
THEME_COOKIE = "secretary_theme"
SPEAK_COOKIE = "secretary_speak"
THEMES = ("auto", "light", "dark", "contrast")
YEAR_S = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Preferences:
    language: str = DEFAULT_LANGUAGE
    theme: str = "auto"
    speak_answers: bool = True

    @property
    def dark(self) -> bool | None:
        """The value of NiceGUI's dark mode; None follows the system, as the theme of high contrast does."""
        return {"light": False, "dark": True}.get(self.theme)


def preferences_of(connection: HTTPConnection) -> Preferences:
    """Reads the preferences from the cookies. Without one the language is that of the browser, and the theme auto."""
    language = connection.cookies.get(LANGUAGE_COOKIE, "")
    theme = connection.cookies.get(THEME_COOKIE, "")
    return Preferences(
        language=language if language in LANGUAGES else _browser_language(connection),
        theme=theme if theme in THEMES else "auto",
        speak_answers=connection.cookies.get(SPEAK_COOKIE) != "off",
    )


def _browser_language(connection: HTTPConnection) -> str:
    """The first of our languages in ``Accept-Language`` (RFC 9110, browsers list the preferred one first)."""
    listed = connection.headers.get("accept-language", "").split(",")
    codes = (part.partition(";")[0].strip().partition("-")[0].lower() for part in listed)
    return next((code for code in codes if code in LANGUAGES), DEFAULT_LANGUAGE)


def cookie_script(name: str, value: str, path: str) -> str:
    """JavaScript that stores a preference for a year. The arguments must not come from user input."""
    return f"document.cookie = '{name}={value}; path={path}; max-age={YEAR_S}; samesite=lax'"
