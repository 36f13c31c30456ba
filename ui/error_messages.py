"""Errors in the reader's language: a sentence by code, and the error's own message where it says more."""

from deployments.contracts.errors import RateLimited, SecretaryError
from ui.translations import Translator


def explain_error_code(code: str, message: str, t: Translator) -> str:
    """What to tell a person about an error. ``message`` is added where the sentence alone would not help."""
    key = f"problem.{code}"
    if not t.has(key):
        return message or t("problem.internal_error")
    sentence = t(key)
    return f"{sentence} {message}".strip() if code in _WITH_MESSAGE else sentence


def explain_error(error: BaseException, t: Translator) -> str:
    """The same for an exception; one that is not of our tree stays general, its text is for the log."""
    if isinstance(error, RateLimited) and error.retry_after_s:
        return t("problem.locked_out", wait=format_wait_time(error.retry_after_s, t))
    if isinstance(error, SecretaryError):
        return explain_error_code(error.code, error.message, t)
    return t("problem.internal_error")


def format_wait_time(seconds: float, t: Translator) -> str:
    """ "2 minutes": rounded up, so that nobody comes back too early."""
    whole = max(1, int(-(-seconds // 1)))
    return t.count("unit.seconds", whole) if whole < 60 else t.count("unit.minutes", -(-whole // 60))


_WITH_MESSAGE = frozenset({"model_missing", "invalid_request", "engine_failed"})
