"""Errors of cloud providers. Messages name the provider and say what to do; they never contain a key.

    Unavailable
    └── ProviderFailed            503 provider_failed            (retryable)
        ├── AnswerCut             503 provider_answer_cut        the connection ended in mid-answer (retryable)
        ├── ProviderRejected      502 provider_rejected_request  the provider does not understand the request
        ├── ProviderKeyRefused    502 provider_key_refused       no key, a wrong key, or a key without the permission
        ├── RegionBlocked         502 provider_region_blocked
        ├── ProviderAddressRefused 502 provider_address_refused  the outbound policy forbids the address
        ├── ProxiesFailed         503 proxies_failed             no proxy works, or xray is missing (retryable)
        ├── ProviderModelUnknown  502 provider_model_not_found
        ├── ProviderQuotaUsed     502 provider_quota_used        no credit, or the free quota is used up
        ├── ProviderBusy          429 provider_rate_limited      (retryable)
        ├── ProviderReplyInvalid  502 provider_reply_invalid     no API at this address, or broken data
        └── ContentFiltered       400 content_filter
    InvalidRequest
    └── NotSupported              400 unsupported_parameter      the model lacks what the request asks for
    RateLimited
    └── BudgetUsed                429 budget_used                (retryable after midnight UTC)

``retryable`` tells the caller of one route whether the same request can succeed soon. Another route may answer after
every one of these errors: see ``another_route_may_answer``.
"""

from deployments.contracts.errors import InvalidRequest, RateLimited, SecretaryError, Unavailable


class ProviderFailed(Unavailable):
    """The provider failed, could not be reached, or ended its answer early."""

    code = "provider_failed"


class AnswerCut(ProviderFailed):
    """The connection ended before the answer was complete."""

    code = "provider_answer_cut"


class ProviderRejected(ProviderFailed):
    """The provider refused the request as invalid."""

    code, status, retryable = "provider_rejected_request", 502, False


class ProviderKeyRefused(ProviderFailed):
    code, status, retryable = "provider_key_refused", 502, False


class RegionBlocked(ProviderFailed):
    """The provider does not serve the country of this machine."""

    code, status, retryable = "provider_region_blocked", 502, False


class ProviderAddressRefused(ProviderFailed):
    """The policy of outbound requests forbids the base URL; the message names the setting that allows it."""

    code, status, retryable = "provider_address_refused", 502, False


class ProxiesFailed(ProviderFailed):
    """No proxy of the provider works, and its policy forbids a direct connection. ``remedy`` is set when the program
    that speaks VLESS is not installed."""

    code = "proxies_failed"


class ProviderModelUnknown(ProviderFailed):
    code, status, retryable = "provider_model_not_found", 502, False


class ProviderQuotaUsed(ProviderFailed):
    code, status, retryable = "provider_quota_used", 502, False


class ProviderBusy(ProviderFailed):
    """Too many requests. ``retry_after_s`` is what the provider says."""

    code, status = "provider_rate_limited", 429


class ProviderReplyInvalid(ProviderFailed):
    """The reply is not that of the API: a web page, a redirect, malformed JSON."""

    code, status, retryable = "provider_reply_invalid", 502, False


class ContentFiltered(ProviderFailed):
    """The provider refused the question or its own answer."""

    code, status, retryable = "content_filter", 400, False


class NotSupported(InvalidRequest):
    """The model or its provider lacks a parameter, tools, images or an output format."""

    code = "unsupported_parameter"


class BudgetUsed(RateLimited):
    """The daily budget of a provider or of an API key is used up. ``retry_after_s`` ends at midnight UTC."""

    code = "budget_used"


def another_route_may_answer(error: SecretaryError) -> bool:
    """Whether a chain should try its next route after ``error``."""
    return isinstance(error, Unavailable | RateLimited | NotSupported)
