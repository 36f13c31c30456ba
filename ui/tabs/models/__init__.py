"""Models on disk: what is installed, what can be downloaded, and how much room there is."""

from ui.tabs.models.page import show

__all__ = ["show"]
