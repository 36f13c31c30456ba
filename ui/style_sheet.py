"""The style sheet of the panel: colours, the shell and one file for each page, sent as one."""

from pathlib import Path

from fastapi import FastAPI
from starlette.responses import Response

STYLE_SHEET_PATH = "/assets/panel.css"
_FIRST = "shell.css"


def serve_style_sheet(app: FastAPI, assets: Path, version: str) -> None:
    """Serves theme.css and the sheets of the folder ``styles`` of ``assets`` at STYLE_SHEET_PATH. Those of pages come
    after that of the shell. ``version`` becomes a part of the addresses in them."""
    pages = sorted((assets / "styles").glob("*.css"), key=lambda path: (path.name != _FIRST, path.name))
    sheet = "\n".join(path.read_text(encoding="utf-8") for path in (assets / "theme.css", *pages))
    sheet = sheet.replace("__VERSION__", version)

    async def send() -> Response:
        return Response(sheet, media_type="text/css")

    app.add_api_route(STYLE_SHEET_PATH, send, methods=["GET"], include_in_schema=False)
