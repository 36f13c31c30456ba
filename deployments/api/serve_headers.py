"""Request headers by which a caller would steer the serving layer instead of us."""

SERVE_CONTROL_HEADERS = (
    "x-request-timeout-seconds",
    "x-request-disconnect-disabled",
    "x-request-id",
    "x-session-id",
    "serve-multiplexed-model-id",
)
"""Serve reads each, some with "_" for any "-" too (``_matches_session_id_header`` in its http_util.py), and breaks off
with a traceback when one is not UTF-8."""


def is_serve_control_header(name: bytes) -> bool:
    """Whether the header ``name`` (lower case, as ASGI has it) is one of them in any spelling."""
    return name.replace(b"_", b"-") in _NAMES


_NAMES = frozenset(name.encode() for name in SERVE_CONTROL_HEADERS)
