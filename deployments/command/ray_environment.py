"""Variables that Ray and Serve read when they are imported: fast mode, loopback only, no telemetry, free ports."""

import os
import secrets
import tempfile
from collections.abc import Sequence
from ipaddress import IPv4Network
from pathlib import Path

from deployments.administration.monitoring.process_facts import RUN_ID_VARIABLE
from deployments.command.haproxy import DAY_S, HAPROXY_CLIENT_TIMEOUT_S, HaproxyFrontend, write_wrapper
from deployments.command.ports import free_ports
from deployments.contracts.outbound import Network

_MEBIBYTE = 1 << 20
DEFAULT_FRONTEND = HaproxyFrontend()


def ray_environment(
    run_dir: Path, run_id: str, *, fast: bool = True, frontend: HaproxyFrontend = DEFAULT_FRONTEND
) -> dict[str, str]:
    """All variables for one start. ``fast`` False is Serve's default mode (Python proxy, no HAProxy): then only whom it
    believes counts of ``front``."""
    haproxy_dir = haproxy_directory(run_id)
    stats, metrics, fallback, autoscaler, dashboard = free_ports(5)
    base = {
        RUN_ID_VARIABLE: run_id,
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
        return base | {"FORWARDED_ALLOW_IPS": _believed(frontend.trusted_proxies)}
    return base | {
        "FORWARDED_ALLOW_IPS": ",".join(filter(None, ("127.0.0.1", _believed(frontend.trusted_proxies)))),
        "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
        "RAY_SERVE_ENABLE_HA_PROXY": "1",
        "RAY_SERVE_HAPROXY_NBTHREAD": "1",
        "RAY_SERVE_HAPROXY_METRICS_ENABLED": "0",
        # A reload of HAProxy must not cut a call that is under way.
        "RAY_SERVE_HAPROXY_HARD_STOP_AFTER_S": str(DAY_S),
        "RAY_SERVE_HAPROXY_TIMEOUT_CLIENT_S": str(HAPROXY_CLIENT_TIMEOUT_S),
        "RAY_SERVE_HAPROXY_BINARY_PATH": str(write_wrapper(haproxy_dir / "haproxy", frontend)),
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(haproxy_dir / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(haproxy_dir / "admin.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(haproxy_dir),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(haproxy_dir / "server-state"),
        "RAY_SERVE_HAPROXY_STATS_PORT": str(stats),
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(metrics),
    }


def python_path(inherited: str | None) -> str:
    """PYTHONPATH for Ray's processes: what is done in each first, this project, then what was there ``before``."""
    here = Path(__file__).parent
    return os.pathsep.join(filter(None, (str(here / "every_process"), str(here.parents[1]), inherited)))


def new_run_id() -> str:
    return secrets.token_hex(8)


def haproxy_directory(run_id: str) -> Path:
    """Short, because HAProxy refuses socket paths of more than 97 characters; removed when the secretary ends."""
    return Path(tempfile.gettempdir()) / f"sec-{run_id[:8]}"


def _believed(trusted: Sequence[Network]) -> str:
    """``trusted`` as uvicorn reads it; IPv4 also as a socket for both kinds of addresses shows it (RFC 4291, 2.5.5.2).

    uvicorn takes the last address of X-Forwarded-For that is not among them: what stands left of it, a caller may have
    written.
    """
    mapped = (f"::ffff:{net.network_address}/{96 + net.prefixlen}" for net in trusted if isinstance(net, IPv4Network))
    return ",".join((*map(str, trusted), *mapped))
