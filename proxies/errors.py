"""What can go wrong with proxies. Messages never contain a link, its id, its keys or its host.

ProxyError
├── LinkInvalid     a link cannot be used; ``parameter`` names what is wrong
├── CoreMissing     xray is not installed; the message has the command
└── CoreFailed      xray does not start, or refuses its configuration
"""


class ProxyError(Exception):
    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class LinkInvalid(ProxyError, ValueError):
    """``parameter`` is a name of the link, such as ``security``, or ``id``, ``host``, ``port``, ``link``."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(f"{parameter}: {message}")
        self.parameter = parameter


class CoreMissing(ProxyError):
    pass


class CoreFailed(ProxyError):
    pass
