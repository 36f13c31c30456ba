"""Random requests get a result or an OpenAI error body with a 4xx status."""

import asyncio
import json

import orjson
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployments.api.app import DoorServices, build_app
from deployments.api.chat.schemas import ChatRequest
from deployments.api.metrics import Metrics
from deployments.api.request_body import parse_json
from deployments.contracts.errors import InvalidRequest
from tests.api.asgi import AsgiCall
from tests.api.running_gateway import FakeEmbedder, StaticSnapshots
from tests.fakes.assistant import ScriptedAssistant

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)
FIELDS = [*ChatRequest.model_fields, "tools", "metadata", "input", "voice", "response_format", "encoding_format"]
ROLES = st.sampled_from(["system", "user", "assistant", "tool", "developer"])
PARTS = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "input_audio", "image_url"])}, optional={"text": VALUES}
)
MESSAGES = st.lists(
    st.fixed_dictionaries({"role": ROLES, "content": st.text() | st.lists(PARTS, max_size=3) | VALUES}), max_size=4
)
BODIES = st.fixed_dictionaries(
    {"model": st.just("secretary"), "messages": MESSAGES},
    optional={name: VALUES for name in FIELDS if name not in ("model", "messages")},
)


@pytest.fixture(scope="module")
def app() -> FastAPI:
    services = DoorServices(
        assistant=ScriptedAssistant(),
        snapshots=StaticSnapshots(),
        metrics=Metrics(),
        embedders={"chat": FakeEmbedder()},
    )
    return build_app(services)


def check(app: FastAPI, path: str, body: bytes, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    request = AsgiCall(path, body, headers or [])
    asyncio.run(app(request.scope(), request.receive, request.send))
    assert request.status in (200, 400, 401, 403, 404, 413, 415), request.sent
    if request.status != 200:
        assert set(request.json["error"]) == {"message", "type", "param", "code"}


quick = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(body=BODIES, path=st.sampled_from(["/v1/chat/completions", "/v1/audio/speech", "/v1/embeddings"]))
def test_any_json_gets_result_or_error_body(app: FastAPI, body: dict[str, object], path: str) -> None:
    check(app, path, json.dumps(body).encode("utf-8", "surrogatepass"))


@quick
@given(body=st.binary(max_size=200), path=st.sampled_from(["/v1/chat/completions", "/v1/audio/speech"]))
def test_any_bytes_get_result_or_error_body(app: FastAPI, body: bytes, path: str) -> None:
    check(app, path, body)


@quick
@given(body=st.binary(max_size=300), name=st.binary(max_size=30))
def test_any_form_gets_result_or_error_body(app: FastAPI, body: bytes, name: bytes) -> None:
    part = b'--b\r\ncontent-disposition: form-data; name="' + name + b'"\r\n\r\n' + body + b"\r\n--b--\r\n"
    headers = [(b"content-type", b"multipart/form-data; boundary=b")]
    check(app, "/v1/audio/transcriptions", part, headers)
    check(app, "/v1/audio/transcriptions", body, headers)


@quick
@given(st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=20)), max_size=5))
def test_any_headers_get_result_or_error(app: FastAPI, headers: list[tuple[bytes, bytes]]) -> None:
    body = orjson.dumps({"model": "secretary", "messages": [{"role": "user", "content": "Hi"}]})
    request = AsgiCall("/v1/chat/completions", body, [(name.lower(), value) for name, value in headers])
    asyncio.run(app(request.scope(), request.receive, request.send))
    assert request.status in (200, 400, 401, 413, 415)


@settings(max_examples=40, deadline=None)
@given(depth=st.integers(1, 1000), wide=st.integers(0, 50))
def test_parse_json_limits_depth_not_width(depth: int, wide: int) -> None:
    nested: object = 1
    body = (
        b'{"x":'
        + b"[" * depth
        + b"1"
        + b"]" * depth
        + b","
        + b",".join([b'"y%d":{}' % n for n in range(wide)] + [b'"z":1}'])
    )
    with pytest.raises(InvalidRequest) as caught:
        parse_json(body, ChatRequest)
    assert ("deeper" in caught.value.message) == (depth + 1 > 64), (nested, caught.value.message)
