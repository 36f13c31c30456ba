"""The pages outside the shell, as plain HTML without any script: login and change of password."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from string import Template
from urllib.parse import urlencode

from nicegui import __version__

from ui.components.logo import LOGO_URL
from ui.preferences import Preferences
from ui.translations import LANGUAGES, Translator


@dataclass(frozen=True, slots=True)
class AuthFormField:
    name: str
    label: str
    kind: str = "password"
    autocomplete: str = "current-password"
    value: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class AuthForm:
    """One card with one form. ``problem`` is shown above the fields, ``query`` goes with every link and submit."""

    action: str
    title: str
    lead: str
    button: str
    fields: Sequence[AuthFormField]
    problem: str = ""
    query: str = ""


_PAGE = Template(
    """<!doctype html>
<html lang="$language" data-theme="$theme">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title · $product</title>
<link rel="icon" href="$mark" type="image/svg+xml">
<link rel="stylesheet" href="$root/_nicegui/$version/static/fonts.css">
<link rel="stylesheet" href="$root/assets/theme.css">
<link rel="stylesheet" href="$root/assets/login.css">
</head>
<body>
<main class="login">
<header class="login-brand"><img src="$mark" alt="" width="44" height="44"><span>$product</span></header>
<form class="login-card" method="post" action="$action">
<h1>$title</h1>
<p class="login-lead">$lead</p>
$problem
$fields
<button type="submit">$button</button>
</form>
<nav class="login-languages" aria-label="$languages_label">$languages</nav>
</main>
</body>
</html>
"""
)


def render_auth_page(form: AuthForm, t: Translator, preferences: Preferences, root: str) -> str:
    """The whole document; every text from outside is escaped."""
    values = {
        "language": t.language,
        "theme": preferences.theme,
        "title": form.title,
        "product": t("product"),
        "root": root,
        "mark": LOGO_URL,
        "version": __version__,
        "action": f"{root}{form.action}{form.query}",
        "lead": form.lead,
        "button": form.button,
        "languages_label": t("shell.language"),
    }
    markup = {
        "problem": f'<p class="login-problem" role="alert">{escape(form.problem)}</p>' if form.problem else "",
        "fields": "\n".join(_field(field, first=n == 0) for n, field in enumerate(form.fields)),
        "languages": " ".join(_language_link(code, form, t, root) for code in LANGUAGES),
    }
    return _PAGE.substitute({name: escape(value) for name, value in values.items()} | markup)


def _field(field: AuthFormField, *, first: bool) -> str:
    hint_id = f"{field.name}-hint"
    described = f' aria-describedby="{hint_id}"' if field.hint else ""
    hint = f'<span class="login-hint" id="{hint_id}">{escape(field.hint)}</span>' if field.hint else ""
    return (
        f'<label for="{field.name}">{escape(field.label)}</label>'
        f'<input id="{field.name}" name="{field.name}" type="{field.kind}" autocomplete="{field.autocomplete}" '
        f'value="{escape(field.value)}" maxlength="200" required{" autofocus" if first else ""}{described}>{hint}'
    )


def _language_link(code: str, form: AuthForm, t: Translator, root: str) -> str:
    if code == t.language:
        return f'<span aria-current="true" lang="{code}">{code.upper()}</span>'
    query = form.query + ("&" if form.query else "?") + urlencode({"language": code})
    return f'<a href="{escape(root + form.action + query)}" lang="{code}" hreflang="{code}">{code.upper()}</a>'
