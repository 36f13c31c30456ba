"""How a program connects: the lines for Open WebUI, curl and Python."""

from collections.abc import Sequence

from nicegui import html, ui

from ui.components.code_block import code_block
from ui.components.copy_button import copy_button
from ui.context import PanelContext

_PYTHON = """from openai import OpenAI

client = OpenAI(base_url="{address}/v1", api_key="{key}")
messages = [{{"role": "user", "content": "{question}"}}]
answer = client.chat.completions.create(model="secretary", messages=messages)
print(answer.choices[0].message.content)"""
_CHAT = """curl {address}/v1/chat/completions \\
  -H "Authorization: Bearer {key}" -H "Content-Type: application/json" \\
  -d '{{"model": "secretary", "messages": [{{"role": "user", "content": "{question}"}}]}}'"""
_SPEECH = """curl {address}/v1/audio/speech \\
  -H "Authorization: Bearer {key}" -H "Content-Type: application/json" \\
  -d '{{"model": "tts-1", "voice": "alloy", "input": "{question}"}}' -o hello.mp3"""
_METRICS = """curl {address}/metrics -H "Authorization: Bearer {key}\""""
_MODELS = """curl {address}/v1/models -H "Authorization: Bearer {key}\""""


def curl_command(address: str, key: str, scopes: Sequence[str], question: str) -> str:
    """The first thing to try with a key of ``scopes``."""
    if "chat" in scopes:
        template = _CHAT
    elif "audio" in scopes:
        template = _SPEECH
    else:
        template = _METRICS if "metrics" in scopes else _MODELS
    return template.format(address=address, key=key, question=question)


def draw_connections(panel: PanelContext, address: str, key: str, scopes: Sequence[str]) -> None:
    """``key`` is the key itself when it has just been made, else a placeholder."""
    t = panel.t
    question = t("keys.sample_question")
    with ui.tabs().props("dense no-caps align=left").classes("keys-tabs") as tabs:
        if "chat" in scopes:
            ui.tab("webui", t("keys.open_webui"))
            ui.tab("python", t("keys.python"))
        ui.tab("curl", t("keys.curl"))
    first = "webui" if "chat" in scopes else "curl"
    with ui.tab_panels(tabs, value=first, animated=False).props("keep-alive").classes("keys-panels"):
        if "chat" in scopes:
            with ui.tab_panel("webui"):
                _draw_open_webui(panel, address, key)
            with ui.tab_panel("python"):
                html.p(t("keys.python_hint")).classes("muted")
                python = _PYTHON.format(address=address, key=key, question=question)
                code_block(panel, python, t("keys.python"))
        with ui.tab_panel("curl"):
            html.p(t("common.command_hint")).classes("muted")
            code_block(panel, curl_command(address, key, scopes, question), t("keys.curl"))


def _draw_open_webui(panel: PanelContext, address: str, key: str) -> None:
    t = panel.t
    html.p(t("keys.webui_hint")).classes("muted")
    with html.dl().classes("keys-pairs"):
        for name, value in ((t("keys.webui_url"), f"{address}/v1"), (t("keys.webui_key"), key)):
            html.dt(name)
            with html.dd():
                html.code(value)
                copy_button(panel, value)
