"""The error tree. Each class has a code, an HTTP status and whether a retry can help.

    SecretaryError                500 internal_error
    ├── InvalidRequest            400 invalid_request
    │   ├── TextTooLong           400 text_too_long
    │   ├── ConversationTooLong   400 context_length_exceeded
    │   ├── UnsupportedAudio      400 unsupported_audio
    │   └── LanguageNotSupported  400 language_not_supported
    ├── Unauthorized              401 invalid_api_key
    ├── Forbidden                 403 forbidden
    │   └── VoiceConsentMissing   403 voice_consent_missing
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
        │   ├── NoSound           503 no_sound
        │   └── ReplicaLost       503 engine_failed   (the process ended, another one may answer)
        ├── EngineTimeout         503 engine_timeout
        ├── ModelMissing          503 model_missing   (not retryable: weights must be installed)
        ├── GpuMemoryLacking      503 gpu_memory_lacking (not retryable: a setting must be changed)
        ├── NoModelForLanguage    503 no_model_for_language (not retryable: a model must be installed)
        └── ServiceStopped        503 service_stopped (not retryable: an administrator stopped it)

A Ray handle re-raises a remote error as a subclass of Ray's error and of the original class. Its ``str()`` is a
traceback, so doors render ``.message`` and never ``str(error)``. Every class pickles.
"""

from typing import Any


class SecretaryError(Exception):
    """Base class. ``message`` is shown to users, ``param`` names the invalid field, ``remedy`` is a command that solves
    the problem, if there is one."""

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
        """A copy without traceback. An error that is raised repeatedly would accumulate the frames of all callers."""
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
    """The conversation and its answer exceed the context of the model."""

    code = "context_length_exceeded"


class UnsupportedAudio(InvalidRequest):
    """The bytes cannot be decoded as audio."""

    code = "unsupported_audio"


class LanguageNotSupported(InvalidRequest):
    code = "language_not_supported"


class Unauthorized(SecretaryError):
    code, status = "invalid_api_key", 401


class Forbidden(SecretaryError):
    code, status = "forbidden", 403


class VoiceConsentMissing(Forbidden):
    """Nobody has consented to a cloned voice, or the consent is revoked. ``remedy`` is the request that records one."""

    code = "voice_consent_missing"


class NotFound(SecretaryError):
    code, status = "not_found", 404


class ModelNotFound(NotFound):
    code = "model_not_found"


class VoiceNotFound(NotFound):
    code = "voice_not_found"


class Conflict(SecretaryError):
    """The row changed since it was read, or a unique name is taken."""

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
    """A queue is full. ``retry_after_s`` says when to retry."""

    code = "overloaded"


class EngineFailed(Unavailable):
    """An engine failed while it worked: its replica died, or native code raised an error."""

    code = "engine_failed"


class ReplicaLost(EngineFailed):
    """The process of an engine ended while it worked."""


class NoSound(EngineFailed):
    """Speech synthesis produced no audio for non-empty text, for example because of unsupported characters."""

    code = "no_sound"


class EngineTimeout(Unavailable):
    code = "engine_timeout"


class ModelMissing(Unavailable):
    """Weights are not on disk. ``remedy`` is the command that installs them."""

    code, retryable = "model_missing", False


class GpuMemoryLacking(Unavailable):
    """A model does not fit into the free memory of its GPU. ``remedy`` is the setting to change."""

    code, retryable = "gpu_memory_lacking", False


class NoModelForLanguage(Unavailable):
    """No model of the turn speaks the language of the question, and the caller cannot use a fallback answer.
    ``remedy`` is the command that installs a model."""

    code, retryable = "no_model_for_language", False


class ServiceStopped(Unavailable):
    """An administrator stopped the engine. ``remedy`` is the request that starts it."""

    code, retryable = "service_stopped", False
