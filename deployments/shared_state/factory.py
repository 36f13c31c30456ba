"""Creates the shared state: Redis when a URL is set and the library is installed, else none."""

import importlib.util
import logging

from deployments.contracts.commands import install_command
from deployments.contracts.shared import SharedState
from deployments.shared_state.null import NullSharedState

logger = logging.getLogger(__name__)


def create_shared_state(redis_url: str) -> SharedState:
    """Shared state at ``redis_url``. Returns NullSharedState for "" and, with a warning, without the library."""
    if not redis_url:
        return NullSharedState()
    if importlib.util.find_spec("redis") is None:
        logger.warning("REDIS_URL is set, but the redis library is missing: %s", install_command("redis"))
        return NullSharedState()
    from deployments.shared_state.redis_state import RedisState

    return RedisState(redis_url)
