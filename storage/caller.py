"""The network address of the request in progress. Doors set it once, the audit log stores it with every event."""

from contextvars import ContextVar

caller_address: ContextVar[str] = ContextVar("caller_address", default="")
"""An IP address, or "" for work without a request."""
