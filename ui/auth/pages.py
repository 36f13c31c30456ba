"""The login and password pages as plain HTML without scripts, rendered by Jinja2."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from nicegui import __version__

from ui.components.logo import LOGO_URL
from ui.preferences import Preferences
from ui.translations import LANGUAGES, Translator

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class AuthFormField:
    """One input. ``kind`` and ``autocomplete`` are attributes of the HTML element."""

    name: str
    label: str
    kind: str = "password"
    autocomplete: str = "current-password"
    value: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class AuthForm:
    """A page with one form. ``problem``, or ``note``, is shown above the fields. ``query`` is appended to the action
    and to every link. ``focus`` is the name of the first field to fill in."""

    action: str
    title: str
    lead: str
    button: str
    fields: Sequence[AuthFormField]
    problem: str = ""
    note: str = ""
    query: str = ""
    focus: str = ""


def render_auth_page(form: AuthForm, t: Translator, preferences: Preferences, root_path: str) -> str:
    """The HTML document of ``form``. All values are escaped."""
    return (
        _environment()
        .get_template("form_page.html")
        .render(
            form=form,
            t=t,
            theme=preferences.theme,
            root_path=root_path,
            logo_url=LOGO_URL,
            nicegui_version=__version__,
            language_urls={code: root_path + form.action + _language_query(form, code) for code in LANGUAGES},
        )
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _language_query(form: AuthForm, code: str) -> str:
    return form.query + ("&" if form.query else "?") + urlencode({"language": code})
