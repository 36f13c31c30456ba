"""Reads urlencoded forms with a limit on their size."""

from urllib.parse import parse_qsl

from starlette.requests import Request

from deployments.contracts.errors import InvalidRequest, TooLarge

MAX_FORM_BYTES = 16_384
MAX_FORM_FIELDS = 20


async def read_form(request: Request) -> dict[str, str]:
    """The fields of an ``application/x-www-form-urlencoded`` body. Raises TooLarge above MAX_FORM_BYTES and
    InvalidRequest above MAX_FORM_FIELDS."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            raise TooLarge("the form is too large")
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS))
    except ValueError:
        raise InvalidRequest(f"a form has at most {MAX_FORM_FIELDS} fields") from None
