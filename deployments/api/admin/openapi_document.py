"""Completes the OpenAPI document of the office: our error body instead of the framework's, and the bearer scheme."""

from typing import Any

from pydantic import BaseModel, Field

from deployments.api.admin.path_permissions import PUBLIC_PATHS

_ERROR = "Error"
_SCHEME = "bearer"
_FRAMEWORK_SCHEMAS = ("HTTPValidationError", "ValidationError")
_ERROR_RESPONSES = {
    "400": "The request is invalid; param names the field",
    "401": "The token is missing or invalid",
    "403": "The role does not allow this",
    "404": "Not found",
    "405": "The method is not allowed",
    "410": "Removed; the message names the replacement",
    "409": "Changed in the meantime, or the name is taken",
    "413": "The body is larger than the limit",
    "415": "Unsupported media type",
    "428": "The version that the change is based on is missing",
    "429": "Too many requests; see Retry-After",
    "503": "Temporarily unavailable; see Retry-After and the message",
}


class ErrorFields(BaseModel):
    message: str
    type: str
    param: str | None = None
    code: str | None = None


class Error(BaseModel):
    """Body of every error reply. ``detail`` repeats the message for clients that expect it."""

    error: ErrorFields
    detail: str = Field(description="The same as error.message")


def complete_document(document: dict[str, Any]) -> dict[str, Any]:
    """Changes the framework's ``document`` to match the replies of the office, and returns it."""
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in _FRAMEWORK_SCHEMAS:
        schemas.pop(name, None)
    definition = Error.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(definition.pop("$defs"), **{_ERROR: definition})
    components["securitySchemes"] = {_SCHEME: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    document["servers"] = [{"url": "/admin"}]
    document["security"] = [{_SCHEME: []}]
    for path, operations in document.get("paths", {}).items():
        for operation in operations.values():
            _complete_operation(path, operation)
    return document


def _complete_operation(path: str, operation: dict[str, Any]) -> None:
    responses = operation.setdefault("responses", {})
    responses.pop("422", None)
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{_ERROR}"}}}
    for status, description in _ERROR_RESPONSES.items():
        responses.setdefault(status, {"description": description, "content": content})
    if path in PUBLIC_PATHS:
        operation["security"] = []


def response_media_types(*media_types: str) -> dict[int | str, dict[str, Any]]:
    """Returns the ``responses`` of a route that does not return JSON."""
    return {200: {"content": {media_type: {} for media_type in media_types}}}
