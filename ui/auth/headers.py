"""Security headers of the panel with a content security policy for NiceGUI.

NiceGUI compiles Vue templates in the browser, which requires ``unsafe-eval``. Inline scripts need the nonce of their
response, so an injected ``<script>`` or ``onerror=`` does not run. Quasar requires inline styles.
"""

import re
import secrets

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Send

_SCRIPT_TAG = re.compile(rb"<script(?=[\s>])")

_POLICY = (
    "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; media-src 'self' data: blob:; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SCRIPTLESS_CSP = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""The policy of pages without scripts."""

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self), payment=(), usb=()",
}
_HSTS = "max-age=31536000"


class SecurityHeadersSend:
    """Wraps the ASGI ``send``. Adds the headers, and the nonce to every script tag of a NiceGUI page."""

    def __init__(self, send: Send, *, secure: bool) -> None:
        self._send = send
        self._secure = secure
        self._nonce = secrets.token_urlsafe(16)
        self._page_start: Message | None = None
        self._body = bytearray()
        self.response_started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.response_started = True
            headers = self._add_headers(message)
            if headers.get("x-nicegui-content") == "page":
                self._page_start = message
                return
        elif message["type"] == "http.response.body" and self._page_start is not None:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._send_page(self._page_start)
            return
        await self._send(message)

    def _add_headers(self, message: Message) -> MutableHeaders:
        headers = MutableHeaders(scope=message)
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)
        headers.setdefault("Content-Security-Policy", _POLICY.format(nonce=self._nonce))
        if self._secure:
            headers.setdefault("Strict-Transport-Security", _HSTS)
        return headers

    async def _send_page(self, start: Message) -> None:
        body = _SCRIPT_TAG.sub(b'<script nonce="%s"' % self._nonce.encode(), bytes(self._body))
        MutableHeaders(scope=start)["content-length"] = str(len(body))
        self._page_start = None
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})
