"""From our hosting arguments to Serve's deployment options: one place, so that every deployment is bounded alike."""

from typing import Any

from ray.serve.config import BackpressureConfig

from deployments.arguments import Hosting

_HEALTH_CHECK_PERIOD_S = 5
_HEALTH_CHECK_TIMEOUT_S = 15
_RETRY_AFTER_S = 1


def options(args: Hosting, name: str) -> dict[str, Any]:
    """Keyword arguments of ``serve.deployment``."""
    return {
        "name": name,
        "num_replicas": args.replicas,
        "max_ongoing_requests": args.max_ongoing_requests,
        "max_queued_requests": args.max_queued_requests,
        "backpressure_config": BackpressureConfig(status_code=503, retry_after_s=_RETRY_AFTER_S),
        "graceful_shutdown_timeout_s": args.graceful_shutdown_s,
        "graceful_shutdown_wait_loop_s": 0.2,
        "health_check_period_s": _HEALTH_CHECK_PERIOD_S,
        "health_check_timeout_s": _HEALTH_CHECK_TIMEOUT_S,
        "ray_actor_options": {"num_cpus": args.num_cpus, "num_gpus": args.num_gpus},
    }
