"""Where the request that is being served comes from. Doors say so once; the audit trail notes it with every change."""

from contextvars import ContextVar

caller_address: ContextVar[str] = ContextVar("caller_address", default="")
"""An IP address; "" for what the secretary does by itself."""
