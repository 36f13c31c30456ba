"""How a person likes the panel: language and theme, kept in two cookies so that the login page honours them too."""

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from ui.translations import DEFAULT_LANGUAGE, LANGUAGES

LANGUAGE_COOKIE = "secretary_language"
THEME_COOKIE = "secretary_theme"
THEMES = ("auto", "light", "dark")
YEAR_S = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Preferences:
    language: str = DEFAULT_LANGUAGE
    theme: str = "auto"

    @property
    def dark(self) -> bool | None:
        """As NiceGUI wants it: None follows the system."""
        return {"light": False, "dark": True}.get(self.theme)


def preferences_of(connection: HTTPConnection) -> Preferences:
    """What the cookies say; anything unknown counts as not said."""
    language = connection.cookies.get(LANGUAGE_COOKIE, "")
    theme = connection.cookies.get(THEME_COOKIE, "")
    return Preferences(
        language=language if language in LANGUAGES else DEFAULT_LANGUAGE,
        theme=theme if theme in THEMES else "auto",
    )


def cookie_script(name: str, value: str, path: str) -> str:
    """JavaScript that keeps a preference for a year. Both strings are ours, never a person's input."""
    return f"document.cookie = '{name}={value}; path={path}; max-age={YEAR_S}; samesite=lax'"
