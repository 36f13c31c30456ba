"""One tree of errors. Each class carries what every door needs to answer: code, HTTP status, whether to retry.

    SecretaryError                500 internal_error
    ├── InvalidRequest            400 invalid_request
    │   ├── TextTooLong           400 text_too_long
    │   ├── ConversationTooLong   400 context_length_exceeded
    │   ├── UnsupportedAudio      400 unsupported_audio
    │   └── LanguageNotSupported  400 language_not_supported
    ├── Unauthorized              401 invalid_api_key
    ├── Forbidden                 403 forbidden
    ├── NotFound                  404 not_found
    │   ├── ModelNotFound         404 model_not_found
    │   └── VoiceNotFound         404 voice_not_found
    ├── Conflict                  409 conflict
    ├── TooLarge                  413 request_too_large
    ├── UnsupportedMediaType      415 unsupported_media_type
    ├── RateLimited               429 rate_limit_exceeded   (retryable)
    └── Unavailable               503 unavailable           (retryable)
        ├── Overloaded            503 overloaded
        ├── EngineFailed          503 engine_failed
        │   └── NoSound           503 no_sound
        ├── EngineTimeout         503 engine_timeout
        ├── ModelMissing          503 model_missing   (not retryable: a person must act)
        └── ServiceStopped        503 service_stopped (not retryable: a person stopped it)

A handle call re-raises a remote error as a class derived from both Ray's error and ours; its ``str()`` is a traceback
text, so doors render ``.message`` and never ``str(error)``. Every class pickles.
"""

from typing import Any


class SecretaryError(Exception):
    """Base of the tree. ``message`` is written for the person who reads it; ``param`` names the offending field;
    ``remedy`` is the command that mends it, if there is one."""

    code: str = "internal_error"
    status: int = 500
    retryable: bool = False

    def __init__(
        self, message: str, *, param: str | None = None, retry_after_s: float | None = None, remedy: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.retry_after_s = retry_after_s
        self.remedy = remedy

    def fresh_copy(self) -> "SecretaryError":
        """A fresh copy: an error that is raised many times would collect the frames of every caller."""
        return _rebuild(type(self), self.message, self.param, self.retry_after_s, self.remedy)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.param, self.retry_after_s, self.remedy)


def _rebuild(
    cls: type[SecretaryError], message: str, param: str | None, retry_after_s: float | None, remedy: str
) -> SecretaryError:
    return cls(message, param=param, retry_after_s=retry_after_s, remedy=remedy)


class InvalidRequest(SecretaryError):
    code, status = "invalid_request", 400


class TextTooLong(InvalidRequest):
    code = "text_too_long"


class ConversationTooLong(InvalidRequest):
    """The conversation and the room for its answer do not fit into the model's context."""

    code = "context_length_exceeded"


class UnsupportedAudio(InvalidRequest):
    """The bytes are not sound that can be decoded."""

    code = "unsupported_audio"


class LanguageNotSupported(InvalidRequest):
    code = "language_not_supported"


class Unauthorized(SecretaryError):
    code, status = "invalid_api_key", 401


class Forbidden(SecretaryError):
    code, status = "forbidden", 403


class NotFound(SecretaryError):
    code, status = "not_found", 404


class ModelNotFound(NotFound):
    code = "model_not_found"


class VoiceNotFound(NotFound):
    code = "voice_not_found"


class Conflict(SecretaryError):
    """Somebody else changed the row since it was read, or a unique name is taken."""

    code, status = "conflict", 409


class TooLarge(SecretaryError):
    code, status = "request_too_large", 413


class UnsupportedMediaType(SecretaryError):
    code, status = "unsupported_media_type", 415


class RateLimited(SecretaryError):
    code, status, retryable = "rate_limit_exceeded", 429, True


class Unavailable(SecretaryError):
    code, status, retryable = "unavailable", 503, True


class Overloaded(Unavailable):
    """A queue is full; ``retry_after_s`` says when to come back."""

    code = "overloaded"


class EngineFailed(Unavailable):
    """An engine broke in the middle of its work (replica died, native error, no audio for non-empty text)."""

    code = "engine_failed"


class NoSound(EngineFailed):
    """A voice said nothing for a text that has something to say. It may be the text's fault: signs nobody can read."""

    code = "no_sound"


class EngineTimeout(Unavailable):
    code = "engine_timeout"


class ModelMissing(Unavailable):
    """Weights are not on disk; ``message`` names the command that brings them."""

    code, retryable = "model_missing", False


class ServiceStopped(Unavailable):
    """An administrator took the engine out of memory; ``remedy`` says how it is started again."""

    code, retryable = "service_stopped", False
