"""How to connect a gateway: a client of the phone protocol, and dialplans that play finished sentences."""

from nicegui import html, ui

from ui.components.page_parts import card
from ui.context import PanelContext

LIVE_CLIENT = """\
#!/usr/bin/env python3
# pip install websockets;  ./say.py "Здравствуйте!" hello.alaw
import asyncio, json, sys
from websockets.asyncio.client import connect

URL, KEY = "{socket}/phone/tts", "YOUR-KEY"


async def say(text, path):
    headers = {{"Authorization": f"Bearer {{KEY}}"}}
    async with connect(URL, additional_headers=headers) as line:
        await line.send(json.dumps({{"type": "speak", "text": text, "format": "alaw"}}))
        with open(path, "wb") as output:
            async for message in line:
                if isinstance(message, bytes):
                    output.write(message)  # 160 bytes: 20 ms of sound, when it is due
                    continue
                event = json.loads(message)
                if event["type"] == "error":
                    sys.exit(event["message"])
                if event["type"] == "finished":
                    return


asyncio.run(say(sys.argv[1], sys.argv[2]))
"""
ASTERISK = """\
; extensions.conf, with curl on the machine of Asterisk
[secretary]
exten => 100,1,Answer()
 same => n,System(curl -sf {web}/v1/audio/speech -H "Authorization: Bearer YOUR-KEY" \
-H "Content-Type: application/json" -o /tmp/${{UNIQUEID}}.sln24 \
-d '{{"model": "tts-1", "voice": "alloy", "response_format": "pcm", "input": "Здравствуйте!"}}')
 same => n,Playback(/tmp/${{UNIQUEID}})
 same => n,System(rm -f /tmp/${{UNIQUEID}}.sln24)
 same => n,Hangup()
"""
FREESWITCH = """\
<!-- dialplan/default/secretary.xml, with curl on the machine of FreeSWITCH -->
<extension name="secretary">
  <condition field="destination_number" expression="^100$">
    <action application="answer"/>
    <action application="system" data="curl -sf {web}/v1/audio/speech \
-H 'Authorization: Bearer YOUR-KEY' -H 'Content-Type: application/json' -o /tmp/${{uuid}}.wav \
-d '{{&quot;model&quot;: &quot;tts-1&quot;, &quot;voice&quot;: &quot;alloy&quot;, \
&quot;response_format&quot;: &quot;wav&quot;, &quot;input&quot;: &quot;Здравствуйте!&quot;}}'"/>
    <action application="playback" data="/tmp/${{uuid}}.wav"/>
    <action application="hangup"/>
  </condition>
</extension>
"""


def snippets(web: str) -> dict[str, str]:
    """The texts by name for the address ``web`` of the secretary, such as "https://secretary.example"."""
    socket = f"ws{web.removeprefix('http')}"
    texts = {"client": LIVE_CLIENT, "asterisk": ASTERISK, "freeswitch": FREESWITCH}
    return {name: text.format(web=web, socket=socket) for name, text in texts.items()}


def draw_connection(panel: PanelContext) -> None:
    t = panel.t
    titles = {"client": "phone.snippet_client", "asterisk": "phone.snippet_asterisk"}
    titles |= {"freeswitch": "phone.snippet_freeswitch"}
    notes = {"client": "phone.about_client", "asterisk": "phone.about_asterisk", "freeswitch": "phone.about_freeswitch"}
    with card(t("phone.connect_title"), t("phone.connect_note")), html.div().classes("rows"):
        for name, text in snippets(_public_address(panel)).items():
            with ui.expansion(t(titles[name])).classes("phone-snippet").props("dense"):
                html.p(t(notes[name])).classes("muted")
                with html.div().classes("remedy phone-code"):
                    html.pre(text).props("tabindex=0")
                    with html.button(type="button").classes("icon-button small") as button:
                        ui.icon("content_copy").props("aria-hidden=true")
                    button.on("click", lambda text=text: _copy(panel, text))
                    button.props["aria-label"] = t("phone.copy_of", name=t(titles[name]))
        html.p(t("phone.not_served")).classes("muted phone-note")


def _copy(panel: PanelContext, text: str) -> None:
    ui.clipboard.write(text)
    panel.toast(panel.t("common.copied"))


def _public_address(panel: PanelContext) -> str:
    """The address at which this page was opened."""
    request = panel.client.request
    scheme = request.headers.get("x-forwarded-proto", request.url.scheme).partition(",")[0].strip()
    return f"{'https' if scheme in ('https', 'wss') else 'http'}://{request.url.netloc}"
