"""Images of user messages: ``data:`` URLs with their content, or https URLs. Nothing is fetched here."""

import base64
import binascii

from deployments.api.chat.schemas import ImageUrl
from deployments.contracts.chat import ChatMessage, ImagePart
from deployments.contracts.errors import InvalidRequest
from deployments.outbound.target import parse_target

MAX_IMAGES = 20
"""In all messages of one request."""
MAX_IMAGE_BYTES = 10_000_000
_SIGNATURES = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
}
_SIGNATURE_BYTES = 12


def image_part(image: ImageUrl, field: str) -> ImagePart:
    """``image`` after its checks. Raises InvalidRequest."""
    if image.url[:5].lower() == "data:":
        return ImagePart(_checked_data_url(image.url, field), image.detail)
    try:
        target = parse_target(image.url)
    except InvalidRequest as error:
        raise InvalidRequest(f"The URL of the image is not valid: {error.message}", param=field) from None
    if target.scheme != "https":
        raise InvalidRequest("An image is a data: URL or an https URL.", param=field)
    return ImagePart(str(target), image.detail)


def check_image_count(messages: tuple[ChatMessage, ...]) -> None:
    if sum(len(message.images) for message in messages) > MAX_IMAGES:
        raise InvalidRequest(f"At most {MAX_IMAGES} images in one request.", param="messages")


def _checked_data_url(url: str, field: str) -> str:
    """The URL in canonical form (RFC 2397)."""
    head, _, data = url[5:].partition(",")
    media_type, _, encoding = head.lower().partition(";")
    if media_type not in _SIGNATURES or encoding != "base64":
        raise InvalidRequest(
            "The data: URL of an image starts with data:image/png;base64, (or jpeg, gif, webp).", param=field
        )
    if len(data) > MAX_IMAGE_BYTES * 4 // 3 + 4:
        raise InvalidRequest(f"The image has more than {MAX_IMAGE_BYTES // 1_000_000} MB.", param=field)
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest("The data: URL of the image is not base64.", param=field) from None
    if not _is_image(content, media_type):
        raise InvalidRequest(f"The content of the image is not {media_type}.", param=field)
    return f"data:{media_type};base64,{data}"


def _is_image(content: bytes, media_type: str) -> bool:
    start = content[:_SIGNATURE_BYTES]
    return start.startswith(_SIGNATURES[media_type]) and (media_type != "image/webp" or start[8:] == b"WEBP")
