"""The gate: keys, scopes, limits, headers and error bodies."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import openai
import pytest
from starlette.routing import Route

from deployments.api.access_rules import PUBLIC_PATHS
from deployments.api.app import DoorServices, build_app
from deployments.api.errors import error_body, error_headers
from deployments.api.limits import RequestRateLimiter
from deployments.api.metrics import Metrics
from deployments.contracts.commands import secretary_command
from deployments.contracts.errors import EngineFailed, RateLimited, SecretaryError
from deployments.contracts.providers import ProviderSpec
from deployments.contracts.settings import Limits
from tests.api.asgi import AsgiCall, post_call
from tests.api.running_gateway import (
    AUDIO_KEY,
    EXPIRED_KEY,
    KEY,
    METRICS_KEY,
    RunningGateway,
    StaticSnapshots,
    snapshot,
)
from tests.fakes.assistant import STATUSES, ScriptedAssistant, ScriptPause

ASK = {"model": "secretary", "messages": [{"role": "user", "content": "Hi"}]}
CHAT = "/v1/chat/completions"


def test_routes_need_a_key_unless_public(door: RunningGateway) -> None:
    assert {"/", "/health", "/ready", "/v1/audio/voices", "/v1/audio/models"} == PUBLIC_PATHS
    routes = [route for route in door.app.routes if isinstance(route, Route)]
    assert len(routes) >= 12
    anonymous = httpx.Client(base_url=door.url, verify=False)
    for route in routes:
        path = route.path.replace("{id:path}", "secretary")
        for method in route.methods or ():
            status = anonymous.request(method, path).status_code
            public = path in PUBLIC_PATHS and method in ("GET", "HEAD")
            assert status == (200 if public else 401), (method, path, status)


def test_added_route_needs_a_key(door: RunningGateway) -> None:
    app = build_app(DoorServices(assistant=ScriptedAssistant(), snapshots=StaticSnapshots(), metrics=Metrics()))
    assert app.openapi_url is None

    @app.get("/later")
    async def later() -> dict[str, int]:
        return {"a": 1}

    @app.get("/checked/{number}")
    async def checked(number: int) -> int:
        return number

    def get(path: str, key: bytes) -> AsgiCall:
        request = AsgiCall(path, b"", method="GET")
        scope = {**request.scope(), "headers": [(b"authorization", b"Bearer " + key)]}
        asyncio.run(app(scope, request.receive, request.send))
        return request

    assert get("/later", b"wrong").status == 401
    assert get("/later", KEY.encode()).json == {"a": 1}
    wrong = get("/checked/x", KEY.encode())
    assert wrong.status == 400
    assert "detail" not in wrong.json
    assert wrong.json["error"]["param"] == "number"


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer wrong", "Basic " + KEY, KEY, f"Bearer {EXPIRED_KEY}", "Bearer " + "x" * 600],
)
def test_invalid_key_is_unauthorized(http: httpx.Client, header: str) -> None:
    response = http.get("/v1/models", headers={"authorization": header})
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json()["error"]["code"] == "invalid_api_key"


def test_key_opens_only_its_scopes(door: RunningGateway, http: httpx.Client) -> None:
    def status(method: str, path: str, key: str) -> int:
        body = ASK if method == "POST" else None
        return http.request(method, path, json=body, headers={"authorization": f"bearer {key}"}).status_code

    assert status("POST", CHAT, METRICS_KEY) == 403
    assert status("POST", CHAT, AUDIO_KEY) == 403
    assert status("POST", "/v1/audio/speech", METRICS_KEY) == 403
    assert status("GET", "/metrics", AUDIO_KEY) == 403
    assert status("GET", "/metrics", METRICS_KEY) == 200
    assert status("GET", "/v1/models", METRICS_KEY) == 200


def test_new_snapshot_changes_keys(door: RunningGateway, http: httpx.Client) -> None:
    assert http.get("/v1/models").status_code == 200
    door.snapshots.current = snapshot(revision=43).model_copy(update={"api_keys": ()})
    assert http.get("/v1/models").status_code == 401


def test_before_first_snapshot_only_health_responds(door: RunningGateway, http: httpx.Client) -> None:
    door.snapshots.ready = False
    assert http.get("/health").json() == {"status": "ok"}
    response = http.get("/ready")
    assert (response.status_code, response.json()) == (503, {"ready": False, "status": "degraded"})
    response = http.post(CHAT, json=ASK)
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")


def test_ready_shows_engines_with_key_only(door: RunningGateway, http: httpx.Client) -> None:
    summary = {"ready": True, "status": "degraded"}
    assert httpx.get(f"{door.url}/ready").json() == summary
    assert httpx.get(f"{door.url}/ready", headers={"authorization": "Bearer wrong"}).json() == summary
    seen = http.get("/ready").json()
    assert (seen["ready"], seen["revision"]) == (True, 42)
    whisper = seen["engines"][2]
    assert (whisper["ready"], whisper["model"], whisper["error"]) == (False, "whisper-base", "no weights")
    assert whisper["remedy"] == "pull it"


def test_ready_reports_failed_engine_as_degraded(door: RunningGateway, http: httpx.Client) -> None:
    chat = STATUSES[0]
    door.assistant.engine_statuses = (chat,)
    assert httpx.get(f"{door.url}/ready").json() == {"ready": True, "status": "ready"}
    failed = replace(chat, error="the worker died", remedy="restart it", failed_at=1_700_000_000.0)
    door.assistant.engine_statuses = (failed,)
    assert httpx.get(f"{door.url}/ready").json() == {"ready": True, "status": "degraded"}
    (seen,) = http.get("/ready").json()["engines"]
    assert (seen["ready"], seen["error"], seen["remedy"]) == (True, "the worker died", "restart it")
    assert seen["failed_at"] == "2023-11-14T22:13:20+00:00"


def test_ready_lists_cloud_routes_with_key_only(door: RunningGateway, http: httpx.Client) -> None:
    door.assistant.engine_statuses = STATUSES[:1]
    spec = ProviderSpec(id="mine", name="Mine", provider_type="openai", model_name="gpt")
    settings = door.snapshots.current.settings.model_copy(update={"default_route": "cloud:mine"})
    door.snapshots.current = door.snapshots.current.model_copy(update={"providers": (spec,), "settings": settings})
    assert httpx.get(f"{door.url}/ready").json() == {"ready": True, "status": "ready"}
    assert http.get("/ready").json()["clouds"] == [{"route": "cloud:mine", "model": "gpt", "state": "key missing"}]


def test_ready_names_languages_without_model(door: RunningGateway, http: httpx.Client) -> None:
    door.assistant.engine_statuses = (replace(STATUSES[0], languages=("en",)),)
    assert httpx.get(f"{door.url}/ready").json() == {"ready": True, "status": "ready", "missing_languages": ["ru"]}
    (note,) = http.get("/ready").json()["notes"]
    assert note["message"].startswith("no Russian model")
    assert note["remedy"] == secretary_command("models pull qwen2.5-1.5b-instruct")
    assert "graph.yaml" in note["next_step"]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"null", "application/json", 400),
        (b'{"model": NaN}', "application/json", 400),
        (b'{"model": "\xff"}', "application/json", 400),
        (b'{"model": "\\ud800"}', "application/json", 400),
        (b"[" * 1000 + b"]" * 1000, "application/json", 400),
        (b'{"x":' * 70 + b"1" + b"}" * 70, "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"{}", "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"model=secretary", "application/x-www-form-urlencoded", 415),
    ],
)
@pytest.mark.parametrize("path", [CHAT, "/v1/audio/speech", "/v1/embeddings"])
def test_invalid_body_is_rejected(http: httpx.Client, path: str, body: bytes, kind: str, status: int) -> None:
    response = http.post(path, content=body, headers={"content-type": kind})
    assert response.status_code == status
    assert set(response.json()) == {"error"}
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}


def test_unknown_path_and_method_are_errors(http: httpx.Client) -> None:
    for path in (
        "/v1/nothing",
        "/v1/",
        "/docs",
        "/openapi.json",
        f"{str(http.base_url).rstrip('/')}//evil/",
        "/v1/models/no/such",
    ):
        response = http.get(path)
        assert (response.status_code, set(response.json())) == (404, {"error"}), path
    for method, path in (("GET", CHAT), ("DELETE", "/v1/models"), ("PUT", "/health"), ("OPTIONS", CHAT)):
        response = http.request(method, path)
        assert (response.status_code, response.json()["error"]["code"]) == (405, "method_not_allowed")
        assert response.headers["allow"]


@pytest.mark.parametrize("declared", [True, False])
def test_body_above_limit_is_rejected(http: httpx.Client, door: RunningGateway, declared: bool) -> None:
    door.snapshots.current = snapshot(Limits(max_body_mb=1))
    data = b'{"model": "' + b"x" * 1_000_000 + b'"}'
    response = http.post(CHAT, content=data if declared else iter([data[:500_000], data[500_000:]]))
    assert (response.status_code, response.json()["error"]["code"]) == (413, "request_too_large")


def test_content_length_above_limit_is_rejected(door: RunningGateway) -> None:
    head = f"POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ncontent-length: 99999999999\r\n\r\n"
    with socket.create_connection(("127.0.0.1", door.port), timeout=3) as connection:
        connection.sendall(head.encode())
        assert connection.recv(64).startswith(b"HTTP/1.1 413")


def test_too_many_messages_are_rejected(http: httpx.Client, door: RunningGateway) -> None:
    door.snapshots.current = snapshot(Limits(max_messages=2))
    response = http.post(CHAT, json={**ASK, "messages": ASK["messages"] * 3})
    assert (response.status_code, response.json()["error"]["param"]) == (400, "messages")


def test_requests_per_minute_limit(client: openai.OpenAI, http: httpx.Client, door: RunningGateway) -> None:
    door.snapshots.current = snapshot(Limits(requests_per_minute=2))
    statuses = [http.post(CHAT, json=ASK) for _ in range(3)]
    assert [response.status_code for response in statuses] == [200, 200, 429]
    assert 1 <= int(statuses[2].headers["retry-after"]) <= 30
    assert statuses[2].json()["error"]["type"] == "rate_limit_error"
    with pytest.raises(openai.RateLimitError):
        client.models.list()
    assert http.get("/v1/models", headers={"authorization": f"Bearer {AUDIO_KEY}"}).status_code == 200
    assert http.get("/health").status_code == 200


async def test_rate_limiter_refills_evenly() -> None:
    now = [0.0]
    rate = RequestRateLimiter(lambda: now[0])
    for _ in range(60):
        await rate.take(1, 60)
    with pytest.raises(RateLimited) as caught:
        await rate.take(1, 60)
    assert caught.value.retry_after_s == pytest.approx(1)
    now[0] = 1.0
    await rate.take(1, 60)
    now[0] = -100.0
    with pytest.raises(RateLimited):
        await rate.take(1, 60)


def test_max_live_streams_limit(door: RunningGateway, http: httpx.Client) -> None:
    door.snapshots.current = snapshot(Limits(max_live_streams=2))
    door.assistant.script = [ScriptPause(0.3), EngineFailed("slow")]
    with ThreadPoolExecutor(5) as pool:
        responses = list(pool.map(lambda _: http.post(CHAT, json=ASK), range(5)))
    refused = [response for response in responses if response.status_code == 429]
    assert len(refused) == 1, "two run, two wait for them"
    assert refused[0].json()["error"]["code"] == "overloaded"
    assert int(refused[0].headers["retry-after"]) >= 1
    door.assistant.script = None
    assert http.post(CHAT, json=ASK).status_code == 200


async def test_serve_control_headers_are_removed() -> None:
    app = build_app(DoorServices(assistant=ScriptedAssistant(), snapshots=StaticSnapshots(), metrics=Metrics()))
    seen: list[bytes] = []

    @app.get("/probe")
    async def probe() -> None: ...

    class HeaderSpy:
        def __init__(self, inner: object) -> None:
            self.inner = inner

        async def __call__(self, scope: dict[str, object], receive: object, send: object) -> None:
            seen.extend(name for name, _ in scope["headers"])  # type: ignore[attr-defined]
            await self.inner(scope, receive, send)  # type: ignore[operator]

    app.add_middleware(HeaderSpy)
    control_headers = [
        b"x-request-timeout-seconds",
        b"x-request-disconnect-disabled",
        b"x-request-id",
        b"x-session-id",
        b"serve_multiplexed_model_id",
    ]
    request = AsgiCall("/probe", b"", [(name, b"1") for name in control_headers] + [(b"x-kept", b"1")], method="GET")
    await app(request.scope(), request.receive, request.send)
    assert seen == [b"authorization", b"x-kept"]
    assert dict(request.sent[0]["headers"])[b"x-request-id"] != b"1"


def test_responses_have_security_headers_and_request_id(http: httpx.Client) -> None:
    for response in (
        http.get("/health"),
        http.get("/nothing"),
        http.post(CHAT, json=ASK, headers={"x-request-id": "mine", "origin": "https://evil.example"}),
        http.post(CHAT, json={**ASK, "stream": True}),
    ):
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert len(response.headers["x-request-id"]) == 24
        assert "access-control-allow-origin" not in response.headers


async def test_public_prefix_needs_no_key() -> None:
    services = DoorServices(
        assistant=ScriptedAssistant(), snapshots=StaticSnapshots(), metrics=Metrics(), public_prefixes=("/widget/",)
    )
    app = build_app(services)

    @app.get("/widget/{name}")
    async def widget(name: str) -> str:
        return name

    async def status(path: str) -> int:
        request = AsgiCall(path, b"", method="GET")
        await app({**request.scope(), "headers": []}, request.receive, request.send)
        return request.status

    assert await status("/widget/x.js") == 200
    assert await status("/widgets") == 401
    assert await status("/v1/models") == 401


async def test_websocket_is_refused() -> None:
    app = build_app(DoorServices(assistant=ScriptedAssistant(), snapshots=StaticSnapshots(), metrics=Metrics()))
    request = AsgiCall("/v1/realtime", b"")
    await app({**request.scope(), "type": "websocket"}, request.receive, request.send)
    assert request.sent == [{"type": "websocket.close", "code": 1008}]


class RemoteFailure(Exception):
    """Stands for Ray's error: its text is a traceback."""

    def __str__(self) -> str:
        return "Traceback (most recent call last): secret"


class RemoteEngineFailed(RemoteFailure, EngineFailed):
    """What a handle raises: both at once, with the original as ``cause``."""

    def __init__(self, cause: SecretaryError) -> None:
        self.cause = cause
        self.args = (cause,)


def test_remote_error_shows_only_its_message(http: httpx.Client, door: RunningGateway) -> None:
    door.assistant.rejection = RemoteEngineFailed(EngineFailed("the model died", retry_after_s=4))
    response = http.post(CHAT, json=ASK)
    assert response.status_code == 503
    assert response.headers["retry-after"] == "4"
    assert response.json()["error"]["message"] == "the model died"


def test_ray_task_error_is_unwrapped() -> None:
    exceptions = pytest.importorskip("ray.exceptions")
    remote = exceptions.RayTaskError("reply", "Traceback: secret", EngineFailed("the model died", retry_after_s=4))
    error = remote.as_instanceof_cause()
    assert isinstance(error, SecretaryError)
    assert b"the model died" in error_body(error)
    assert b"secret" not in error_body(error)
    assert (b"retry-after", b"4") in error_headers(error)


def test_bug_is_logged_and_hidden(http: httpx.Client, door: RunningGateway, caplog: pytest.LogCaptureFixture) -> None:
    door.assistant.rejection = ZeroDivisionError("secret")
    response = http.post(CHAT, json=ASK)
    assert response.status_code == 500
    assert "secret" not in response.text
    assert response.headers["x-request-id"] in response.json()["error"]["message"]
    assert response.headers["x-request-id"] in caplog.text


async def test_disconnect_during_body_sends_nothing() -> None:
    app = build_app(DoorServices(assistant=ScriptedAssistant(), snapshots=StaticSnapshots(), metrics=Metrics()))
    request = post_call(CHAT, ASK)
    request._read = True
    request.disconnected.set()
    await app(request.scope(), request.receive, request.send)
    assert request.sent == []
