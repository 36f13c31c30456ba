"""The OpenAPI document of the office: our own error body instead of the framework's, and the bearer scheme."""

from typing import Any

from pydantic import BaseModel, Field

from deployments.api.admin.path_permissions import PUBLIC_PATHS

_ERROR = "Error"
_SCHEME = "bearer"
_FRAMEWORK_SCHEMAS = ("HTTPValidationError", "ValidationError")
_REFUSALS = {
    "400": "What was wrong, and which field",
    "401": "No token, or one that works no longer",
    "403": "The role does not cover this",
    "404": "There is no such thing",
    "405": "This method is not allowed here",
    "410": "There is no such thing any more; the message says what took its place",
    "409": "Somebody changed it meanwhile, or a name is taken",
    "413": "Larger than the limit",
    "415": "Another media type is needed",
    "428": "Say which version you changed",
    "429": "Too often; Retry-After says when",
    "503": "Cannot be done now; Retry-After says when, or the message what mends it",
}


class ErrorFields(BaseModel):
    message: str
    type: str
    param: str | None = None
    code: str | None = None


class Error(BaseModel):
    """Every refusal of the office; ``detail`` repeats the message for clients that look for it."""

    error: ErrorFields
    detail: str = Field(description="The same as error.message")


def complete_document(document: dict[str, Any]) -> dict[str, Any]:
    """``document`` of the framework, as the office really answers."""
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
            _finish(path, operation)
    return document


def _finish(path: str, operation: dict[str, Any]) -> None:
    responses = operation.setdefault("responses", {})
    responses.pop("422", None)
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{_ERROR}"}}}
    for status, description in _REFUSALS.items():
        responses.setdefault(status, {"description": description, "content": content})
    if path in PUBLIC_PATHS:
        operation["security"] = []


def response_media_types(*media_types: str) -> dict[int | str, dict[str, Any]]:
    """For routes that answer with something else than JSON."""
    return {200: {"content": {media_type: {} for media_type in media_types}}}
