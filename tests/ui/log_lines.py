"""Log files of the office of a test."""

from pathlib import Path

from tests.ui.panel_server import PanelServer


def record(number: int, level: str = "INFO", text: str = "") -> str:
    return f"2026-11-23 04:00:{number % 60:02d},000 {level} 77 deployments.voice {text or f'line {number}.'}\n"


def write_log(server: PanelServer, name: str, text: str) -> Path:
    folder: Path = server.services.operations.logs._directory
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path
