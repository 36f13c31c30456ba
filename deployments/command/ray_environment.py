"""The environment variables that Ray and Serve read when they are imported."""

import os
import secrets
import tempfile
from collections.abc import Sequence
from ipaddress import IPv4Network
from pathlib import Path

from deployments.administration.monitoring.process_facts import RUN_ID_VARIABLE
from deployments.command.haproxy.configuration import DAY_S
from deployments.command.haproxy.frontend import HAPROXY_BUFFER_BYTES, HAPROXY_CLIENT_TIMEOUT_S
from deployments.command.haproxy.launcher import Launcher
from deployments.command.ports import free_ports
from deployments.contracts.outbound import Network

_MEBIBYTE = 1 << 20


def ray_environment(
    run_dir: Path, run_id: str, *, fast: bool = True, trusted: Sequence[Network] = ()
) -> dict[str, str]:
    """All variables of one start: loopback only, no telemetry, free ports.

    ``fast`` is HAProxy and throughput mode. Without it Serve uses its Python proxy. ``trusted`` may name the client in
    X-Forwarded-For.
    """
    haproxy_dir = haproxy_directory(run_id)
    fallback, autoscaler, dashboard = free_ports(3)
    base = {
        RUN_ID_VARIABLE: run_id,
        # Ray makes its folders and logs readable for all users; the folder above them is private.
        "RAY_TMPDIR": str(haproxy_dir),
        "PROMETHEUS_MULTIPROC_DIR": str(run_dir / "metrics"),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_MODE": "token",
        # Every program that the console starts is a new one, and gRPC would print a line for each.
        "GRPC_ENABLE_FORK_SUPPORT": "0",
        # Declares a cluster of one machine: the gRPC servers of Ray's core then listen on loopback.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_enable_metrics_collection": "0",
        "RAY_DISABLE_METRICS_COLLECTION": "1",
        "RAY_SERVE_REPLICA_GRPC_MAX_MESSAGE_LENGTH": str(128 * _MEBIBYTE),
        "RAY_SERVE_PROXY_MIN_DRAINING_PERIOD_S": "1",
        # A dead proxy or HAProxy manager is replaced after three failed checks.
        "RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S": "1",
        "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "1",
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(fallback),
        "AUTOSCALER_METRIC_PORT": str(autoscaler),
        "DASHBOARD_METRIC_PORT": str(dashboard),
        # The default of Ray is nice 15.
        "RAY_worker_niceness": "0",
        "HF_HUB_OFFLINE": "1",
        # CUDA numbers the cards as NVML does, by whose numbers the check of the memory and Ray go.
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
    }
    if not fast:
        return base | {"FORWARDED_ALLOW_IPS": _forwarded_allow_ips(trusted)}
    return base | {
        "FORWARDED_ALLOW_IPS": ",".join(filter(None, ("127.0.0.1", _forwarded_allow_ips(trusted)))),
        "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
        "RAY_SERVE_ENABLE_HA_PROXY": "1",
        "RAY_SERVE_HAPROXY_NBTHREAD": "1",
        "RAY_SERVE_HAPROXY_METRICS_ENABLED": "0",
        # After a reload HAProxy keeps open connections, such as phone calls, for a day.
        "RAY_SERVE_HAPROXY_HARD_STOP_AFTER_S": str(DAY_S),
        # One refused connection takes a replica out, until two checks at 250 ms succeed.
        "RAY_SERVE_HAPROXY_OBSERVE_ERROR_LIMIT": "1",
        # A request that fits can be repeated at another replica.
        "RAY_SERVE_HAPROXY_TUNE_BUFSIZE": str(HAPROXY_BUFFER_BYTES),
        "RAY_SERVE_HAPROXY_TIMEOUT_CLIENT_S": str(HAPROXY_CLIENT_TIMEOUT_S),
        "RAY_SERVE_HAPROXY_BINARY_PATH": str(Launcher(haproxy_dir).script),
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(haproxy_dir / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(haproxy_dir / "admin.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(haproxy_dir),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(haproxy_dir / "server-state"),
    }


def python_path(inherited: str | None) -> str:
    """PYTHONPATH of Ray's processes: the folder of sitecustomize, this project, then the ``inherited`` value."""
    here = Path(__file__).parent
    return os.pathsep.join(filter(None, (str(here / "every_process"), str(here.parents[1]), inherited)))


def new_run_id() -> str:
    return secrets.token_hex(8)


def haproxy_directory(run_id: str) -> Path:
    """A short path, because HAProxy limits socket paths to 97 characters. Removed when the secretary ends."""
    return Path(tempfile.gettempdir()) / f"sec-{run_id[:8]}"


def make_ray_token_private(home: Path) -> None:
    """Makes ``~/.ray/auth_token`` readable for its owner only. Ray creates it, as readable as the umask allows."""
    os.umask(0o077)
    token = home / ".ray" / "auth_token"
    token.parent.mkdir(mode=0o700, exist_ok=True)
    token.parent.chmod(0o700)
    if token.exists():
        token.chmod(0o600)


def _forwarded_allow_ips(trusted: Sequence[Network]) -> str:
    """``trusted`` in the syntax of uvicorn, with IPv4 networks also as IPv4-mapped IPv6 (RFC 4291, 2.5.5.2).

    uvicorn takes the last address of X-Forwarded-For that is not trusted.
    """
    mapped = (f"::ffff:{net.network_address}/{96 + net.prefixlen}" for net in trusted if isinstance(net, IPv4Network))
    return ",".join((*map(str, trusted), *mapped))
