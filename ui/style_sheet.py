"""The style sheet of the panel: one file for the shell and one for each page, sent as one."""

from pathlib import Path

from fastapi import FastAPI
from starlette.responses import Response

STYLE_SHEET_PATH = "/assets/panel.css"
_FIRST = "shell.css"


def serve_style_sheet(app: FastAPI, folder: Path) -> None:
    """Serves the style sheets of ``folder`` at STYLE_SHEET_PATH. Those of pages come after that of the shell."""
    files = sorted(folder.glob("*.css"), key=lambda path: (path.name != _FIRST, path.name))
    sheet = "\n".join(path.read_text(encoding="utf-8") for path in files)

    async def send() -> Response:
        return Response(sheet, media_type="text/css", headers={"Cache-Control": "max-age=31536000, immutable"})

    app.add_api_route(STYLE_SHEET_PATH, send, methods=["GET"], include_in_schema=False)
