"""Error messages in the language of the user, selected by error code."""

from deployments.contracts.errors import RateLimited, SecretaryError
from ui.translations import Translator


def explain_error_code(code: str, message: str, t: Translator) -> str:
    """The translated text for ``code``. For some codes ``message`` is appended."""
    key = f"problem.{code}"
    if not t.has(key):
        return message or t("problem.internal_error")
    sentence = t(key)
    return f"{sentence} {message}".strip() if code in _WITH_MESSAGE else sentence


def explain_error(error: BaseException, t: Translator) -> str:
    """The text for an exception. For one that is no SecretaryError it is a general text without the message."""
    if isinstance(error, RateLimited) and error.retry_after_s:
        return t("problem.locked_out", wait=format_wait_time(error.retry_after_s, t))
    if isinstance(error, SecretaryError):
        return explain_error_code(error.code, error.message, t)
    return t("problem.internal_error")


def format_wait_time(seconds: float, t: Translator) -> str:
    """A time to wait, rounded up, for example "2 minutes"."""
    whole = max(1, int(-(-seconds // 1)))
    return t.count("unit.seconds", whole) if whole < 60 else t.count("unit.minutes", -(-whole // 60))


_WITH_MESSAGE = frozenset(
    {"model_missing", "gpu_memory_lacking", "no_model_for_language", "invalid_request", "engine_failed"}
)
