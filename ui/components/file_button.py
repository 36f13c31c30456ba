"""A button that chooses a file for a hidden uploader, whose own button has no name for screen readers."""

from nicegui import ui


def choose_file_button(upload: ui.upload, text: str) -> ui.button:
    """Hides ``upload``."""
    upload.classes("hidden-upload")
    button = ui.button(text, icon="upload_file").props("outline no-caps").classes("self-start")
    button.on("click", js_handler=f"() => getElement({upload.id}).$refs.qRef.pickFiles()")
    return button
