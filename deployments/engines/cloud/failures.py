"""Translates what a provider answers instead of an answer into typed errors with a sentence for a person.

Providers report the same failure by status, by code and by text, each in its own way; ``_RULES`` holds what is known.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from deployments.contracts.errors import ConversationTooLong, SecretaryError
from deployments.contracts.provider_errors import (
    AnswerCut,
    ContentFiltered,
    ProviderBusy,
    ProviderFailed,
    ProviderKeyRefused,
    ProviderModelUnknown,
    ProviderQuotaUsed,
    ProviderRejected,
    ProviderReplyInvalid,
    RegionBlocked,
)

_LONGEST_DETAIL = 300
_MAX_RETRY_S = 86_400.0
_SECRET = re.compile(r"(?i)\b(?:sk|pk|key|AIza|Bearer)[-_ ]?[\w*.-]{8,}")
_RETRY_DELAY = re.compile(r"([0-9.]+)s")
_ErrorClass = type[SecretaryError]

_RULES: tuple[tuple[re.Pattern[str], _ErrorClass], ...] = (
    (
        re.compile(
            r"context_length_exceeded|maximum context length|prompt is too long|exceed_context_size|"
            r"input token count.*exceeds|context window"
        ),
        ConversationTooLong,
    ),
    (
        re.compile(
            r"location is not supported|unsupported_country|country, region|region is not supported|"
            r"not available in your (?:country|region)"
        ),
        RegionBlocked,
    ),
    (
        re.compile(
            r"insufficient_quota|insufficient balance|credit balance|exceeded your current quota|billing|"
            r"payment required|insufficient credits"
        ),
        ProviderQuotaUsed,
    ),
    (
        re.compile(
            r"api key not valid|api_key_invalid|invalid_api_key|invalid x-api-key|incorrect api key|"
            r"authentication_error|invalid authentication"
        ),
        ProviderKeyRefused,
    ),
    (
        re.compile(
            r"content_filter|content_policy|content management policy|flagged|prohibited_content|data_inspection"
        ),
        ContentFiltered,
    ),
    (re.compile(r"model_not_found|model.*(?:does not exist|not found)|not a valid model"), ProviderModelUnknown),
    (re.compile(r"rate_limit|resource_exhausted|too many requests|overloaded_error"), ProviderBusy),
)
_STATUSES: Mapping[int, _ErrorClass] = {
    401: ProviderKeyRefused,
    402: ProviderQuotaUsed,
    403: ProviderKeyRefused,
    404: ProviderModelUnknown,
    429: ProviderBusy,
    451: RegionBlocked,
    529: ProviderBusy,
}
_SENTENCES: Mapping[_ErrorClass, str] = {
    ConversationTooLong: "the conversation is too long for {model} at {name}",
    RegionBlocked: "{name} does not serve the country of this machine: use a proxy or another provider",
    ProviderQuotaUsed: "the quota or the credit at {name} is used up: check the account of the provider",
    ProviderKeyRefused: "{name} refuses the API key: enter a valid key with access to {model}",
    ContentFiltered: "{name} refuses this content by its policy",
    ProviderModelUnknown: "{name} does not know the model {model}, or the base URL is wrong",
    ProviderBusy: "{name} limits the rate of requests",
    ProviderRejected: "{name} refuses the request",
    ProviderFailed: "{name} has a failure",
}


@dataclass(frozen=True, slots=True)
class ProviderNames:
    """How messages name a provider and its model."""

    name: str
    model: str


def from_response(names: ProviderNames, status: int, headers: Mapping[str, str], body: bytes) -> SecretaryError:
    """The error of a response that is no stream of events."""
    if 300 <= status < 400:
        return ProviderReplyInvalid(f"the base URL of {names.name} redirects: enter the address that it redirects to")
    decoded = _decode(body)
    if decoded is None and _is_html(headers, body):
        return ProviderReplyInvalid(f"{names.name} answers with a web page ({status}): the base URL is wrong")
    error = decoded.get("error") if decoded else None
    if error:
        return from_error(names, error, status, headers)
    if status >= 400:
        detail = decoded if decoded else body[:_LONGEST_DETAIL].decode(errors="replace")
        return from_error(names, detail, status, headers)
    return ProviderReplyInvalid(f"{names.name} answers without a stream: the base URL is not that of a chat API")


def from_error(
    names: ProviderNames, error: object, status: int = 0, headers: Mapping[str, str] | None = None
) -> SecretaryError:
    """The error of an error object, from a response or from the middle of a stream (status 0 or 200)."""
    fields = error if isinstance(error, Mapping) else {"message": str(error)}
    code = fields.get("code")
    if status < 400:
        status = code if isinstance(code, int) and 400 <= code < 600 else 0
    message = str(fields.get("message") or fields.get("detail") or "")
    kind = _classify(status, f"{fields.get('status', '')} {fields.get('type', '')} {code} {message}".lower())
    sentence = _SENTENCES[kind].format(name=names.name, model=names.model)
    shown = f" ({status})" if status else ""
    detail = _SECRET.sub("***", message.strip())[:_LONGEST_DETAIL]
    retry_after_s = _retry_after_s(fields, headers or {}) if kind in (ProviderBusy, ProviderFailed) else None
    param = "messages" if kind is ConversationTooLong else None
    return kind(f"{sentence}{shown}{': ' if detail else ''}{detail}", param=param, retry_after_s=retry_after_s)


def malformed(names: ProviderNames) -> ProviderReplyInvalid:
    return ProviderReplyInvalid(f"{names.name} sends malformed data")


def cut_off(names: ProviderNames) -> AnswerCut:
    return AnswerCut(f"{names.name} ended the answer before it was complete", retry_after_s=1)


def filtered(names: ProviderNames) -> ContentFiltered:
    return ContentFiltered(_SENTENCES[ContentFiltered].format(name=names.name, model=names.model))


def _classify(status: int, text: str) -> _ErrorClass:
    for pattern, kind in _RULES:
        if pattern.search(text) and not (kind is ProviderBusy and status in (401, 403)):
            return kind
    if status in _STATUSES:
        return _STATUSES[status]
    return ProviderRejected if 400 <= status < 500 else ProviderFailed


def _decode(body: bytes) -> Mapping[str, Any] | None:
    """A JSON object; Gemini sends a list with one object when it is not asked for events."""
    try:
        decoded = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if isinstance(decoded, list) and decoded:
        decoded = decoded[0]
    return decoded if isinstance(decoded, dict) else None


def _is_html(headers: Mapping[str, str], body: bytes) -> bool:
    return "html" in headers.get("content-type", "") or body.lstrip()[:15].lower().startswith((b"<!doctype", b"<html"))


def _retry_after_s(fields: Mapping[str, Any], headers: Mapping[str, str]) -> float | None:
    """From the header, or from Google's RetryInfo."""
    texts = [headers.get("retry-after", "")]
    details = fields.get("details")
    for each in details if isinstance(details, list) else ():
        found = _RETRY_DELAY.fullmatch(str(each.get("retryDelay", ""))) if isinstance(each, dict) else None
        if found:
            texts.append(found[1])
    for text in texts:
        try:
            return min(_MAX_RETRY_S, max(0.0, float(text)))
        except ValueError:
            continue
    return None
