"""What makes the panel an installable app: its manifest and its service worker.

The service worker keeps the files of the shell (styles, scripts, fonts, icons): they hold no data and have a version in
their address. Pages, REST and everything else go to the server; without it a page that says so is shown.
"""

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from nicegui import __version__
from starlette.responses import Response

from ui.translations import Translator

MANIFEST_PATH, WORKER_PATH = "/manifest.webmanifest", "/service-worker.js"
_ICONS = (("icon-192.png", 192, "any"), ("icon-512.png", 512, "any"), ("icon-maskable-512.png", 512, "maskable"))


def serve_installable_app(app: FastAPI, assets: Path, version: str) -> None:
    """Serves the manifest and the service worker, both without a login: they are the same for everybody. ``version``
    changes with the assets."""
    template = (assets / "service_worker.js").read_text(encoding="utf-8")
    worker = template.replace("__ASSETS__", version).replace("__NICEGUI__", __version__)

    async def manifest(request: Request) -> Response:
        t = Translator(request.query_params.get("language", ""))
        return JSONResponse(_manifest(t), media_type="application/manifest+json")

    async def service_worker() -> Response:
        return Response(worker, media_type="text/javascript", headers={"Cache-Control": "no-cache"})

    app.add_api_route(MANIFEST_PATH, manifest, methods=["GET"], include_in_schema=False)
    app.add_api_route(WORKER_PATH, service_worker, methods=["GET"], include_in_schema=False)


def _manifest(t: Translator) -> dict[str, object]:
    """The addresses are relative to that of the manifest, so that they fit any path of the panel."""
    return {
        "id": "./",
        "name": t("product"),
        "short_name": t("app.short_name"),
        "description": t("app.description"),
        "lang": t.language,
        "start_url": "./",
        "scope": "./",
        "display": "standalone",
        "background_color": "#f4f6f5",
        "theme_color": "#0b7a72",
        "icons": [
            {"src": f"assets/icons/{name}", "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
            for name, size, purpose in _ICONS
        ],
    }
