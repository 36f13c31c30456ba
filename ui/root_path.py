"""Normalizes the path of an application behind a prefix: ``path`` always begins with ``root_path``.

The ASGI specification requires this, and uvicorn and Ray Serve comply. Some servers and proxies strip the prefix.
Nested mounts (Starlette's ``get_route_path``) only work with the full path.
"""

from starlette.types import ASGIApp, Receive, Scope, Send


def with_root_path(path: str, root_path: str) -> str:
    """Prepends ``root_path`` to ``path`` unless it is there already."""
    root = root_path.rstrip("/")
    return path if path == root or path.startswith(f"{root}/") else root + path


def inner_path(scope: Scope) -> str:
    """The path relative to the panel: "/chat" for "/admin/ui/chat"."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return (path[len(root) :] if path.startswith(root) else path) or "/"


class RootPathMiddleware:
    """Middleware that restores a stripped prefix in ``scope["path"]``, and the slash after it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and scope.get("root_path"):
            path = with_root_path(scope["path"], scope["root_path"])
            # Without the slash nothing is left after the prefix, and routes begin with a slash.
            scope = {**scope, "path": f"{path}/" if path == scope["root_path"] else path}
        await self._app(scope, receive, send)
