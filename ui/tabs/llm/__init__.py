"""Language models: local ones, cloud providers with their proxies, chains, personas and parameters."""

from ui.tabs.llm.page import show

__all__ = ["show"]
