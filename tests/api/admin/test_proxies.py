"""Proxies of providers and bots over the admin API: validation, tests, order, and links that nobody gets back."""

import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

import httpx
import pytest

from deployments.administration.office.composition import OfficeServices
from deployments.administration.proxies.proxy_test import ProxyCoreState, ProxyTestResult
from deployments.api.admin.bots.routes import bots_router
from deployments.api.admin.llm.providers import providers_router
from deployments.api.admin.proxies.routes import ProxyServices, proxies_router
from deployments.api.admin.server_sent_events import EventStreamSlots
from deployments.contracts.identity import Role
from deployments.contracts.proxies import ProxyLinkStatus, ProxyPoolStatus
from deployments.contracts.reports import DoorReport
from proxies.links import ProxyLink, masked_host, parse_link
from storage.secrets import Sealer
from tests.api.admin.admin_client import admin_client
from tests.api.admin.admin_routers import no_bots, untested
from tests.proxies.links import GRPC_TLS, PUBLIC_KEY, REALITY, USER_ID, WS_TLS

PLAIN = "socks5://somebody:proxy-password@plain.example.org:1080#mine"
LINKS = [REALITY, WS_TLS, PLAIN]
SECRETS = (USER_ID, PUBLIC_KEY, "secret-host", "proxy-password", "somebody", "plain.example")


class RecordingProxyTest:
    """Remembers what it was asked, and answers for the last link first."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, str]] = []

    async def __call__(self, links: Sequence[ProxyLink], url: str) -> AsyncGenerator[ProxyTestResult]:
        self.asked.append((len(links), url))
        for index in reversed(range(len(links))):
            link = links[index]
            found = {"proxy_remark": link.name, "kind": link.kind, "host": masked_host(link), "target": "https://api"}
            yield ProxyTestResult(proxy_index=index, success=index != 1, status_code=401, latency_ms=12.5, **found)


@pytest.fixture
def proxy_test() -> RecordingProxyTest:
    return RecordingProxyTest()


@pytest.fixture
async def client(office: OfficeServices, proxy_test: RecordingProxyTest) -> AsyncIterator[httpx.AsyncClient]:
    async def core() -> ProxyCoreState:
        return ProxyCoreState(installed=False, error="xray is not installed", remedy="secretary proxies install")

    async with admin_client(
        office,
        lambda o: [
            providers_router(o.providers, untested),
            bots_router(o.bots, o.bot_sessions, no_bots, None, None),  # type: ignore[arg-type]
            proxies_router(ProxyServices(o.proxies, core, proxy_test, EventStreamSlots())),
        ],
    ) as client:
        yield client


async def create_provider(client: httpx.AsyncClient, links: object, **fields: object) -> httpx.Response:
    body = {"name": "mine", "provider_type": "openai", "model_name": "gpt-4o", "vless_urls": links, **fields}
    return await client.post("/llm/providers", json=body)


def stored_links(office: OfficeServices) -> list[str]:
    sealer = Sealer.from_file(office.database.path.parent / "secret.key")
    return sealer.open(office.publisher.current.providers[0].sealed_proxies).splitlines()


async def test_links_never_come_back(
    client: httpx.AsyncClient, office: OfficeServices, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bot = {"name": "b", "bot_token": "123456:AAH-secret-token-wxyz", "vless_urls": [PLAIN]}
    seen = [
        await create_provider(client, LINKS),
        await create_provider(client, [*LINKS, f"{REALITY}x"], name="other"),
        await create_provider(client, [WS_TLS.replace("ws", "kcp")], name="other"),
        await create_provider(client, "\n".join([WS_TLS, f"vless://{USER_ID}@secret-host"]), name="other"),
        await client.post("/telegram/instances", json=bot),
        await client.get("/telegram/instances"),
        await client.get("/llm/providers"),
        await client.get("/llm/proxy/status"),
        await client.post("/llm/proxy/validate", json={"text": "\n".join([*LINKS, f"{GRPC_TLS}&x=1"])}),
        await client.post("/llm/proxy/test", json={"vless_url": WS_TLS}),
        await client.post("/llm/proxy/test", json={"vless_url": f"{WS_TLS}&bad=1"}),
        await client.post("/llm/proxy/test-multiple", json={"owner": "cloud:mine"}),
    ]
    assert [each.status_code for each in seen] == [201, 400, 400, 400, 201, 200, 200, 200, 200, 200, 400, 200]
    async with office.database.unit_of_work() as work:
        events = [str(event) for event in await work.audit.newest(100)]
    everything = "".join([*(each.text for each in seen), *events, caplog.text, repr(office.publisher.current)])
    assert [secret for secret in SECRETS if secret in everything] == []
    assert stored_links(office) == LINKS


async def test_pasted_text_becomes_links_with_errors_by_line(client: httpx.AsyncClient, office: OfficeServices) -> None:
    made = await create_provider(client, "\n".join(["# mine", *LINKS, ""]))
    assert (made.status_code, made.json()["provider"]["proxies"]) == (201, 3)
    assert stored_links(office) == LINKS
    refused = await create_provider(client, f"{WS_TLS}\n\n{WS_TLS.replace('security=tls', 'security=xtls')}", name="x")
    assert refused.json()["error"]["param"] == "vless_urls"
    assert "line 3: security: use one of none, tls, reality" in refused.json()["detail"]
    checked = (await client.post("/llm/proxy/validate", json={"text": f"{REALITY}\nvless://x"})).json()
    assert (checked["valid"], checked["count"]) == (False, 1)
    first, second = checked["lines"]
    assert (first["name"], first["kind"], first["host"]) == ("Берлин", "vless tcp reality", "se***org:443")
    assert (second["line"], second["error"]) == (2, "port: it is missing")


async def test_private_proxy_must_be_allowed(client: httpx.AsyncClient, office: OfficeServices) -> None:
    link = "socks5://10.0.0.5:1080"
    for refused in (
        await create_provider(client, [link]),
        await client.post("/llm/proxy/test", json={"vless_url": link}),
    ):
        assert refused.status_code == 403
        assert "10.0.0.5:1080" in refused.json()["detail"]
    await office.settings.update_fields({"allowed_hosts": ["10.0.0.5:1080"]}, "anna", group="outbound", role=Role.ADMIN)
    assert (await create_provider(client, [link])).status_code == 201
    metadata = await create_provider(client, ["http://169.254.169.254:80"], name="other")
    assert metadata.status_code == 403


async def test_tests_ask_the_service_behind_the_proxies(
    client: httpx.AsyncClient, proxy_test: RecordingProxyTest
) -> None:
    await create_provider(client, LINKS)
    one = (await client.post("/llm/proxy/test", json={"vless_url": WS_TLS, "provider_type": "claude"})).json()
    assert (one["success"], one["latency_ms"]) == (True, 12.5)
    many = await client.post("/llm/proxy/test-multiple", json={"owner": "cloud:mine"})
    assert many.headers["content-type"].startswith("text/event-stream")
    events = [json.loads(line.removeprefix("data: ")) for line in many.text.splitlines() if line.startswith("data: ")]
    assert [(event["proxy_index"], event["success"]) for event in events] == [(2, True), (1, False), (0, True)]
    assert proxy_test.asked == [
        (1, "https://api.anthropic.com/v1/models?limit=1000"),
        (3, "https://api.openai.com/v1/models"),
    ]
    for body, status in (
        ({}, 400),
        ({"owner": "cloud:nobody"}, 404),
        ({"vless_urls": [WS_TLS], "provider_type": "skynet"}, 400),
        ({"vless_urls": [WS_TLS], "provider_type": "custom", "base_url": "http://169.254.169.254"}, 403),
    ):
        assert (await client.post("/llm/proxy/test-multiple", json=body)).status_code == status


async def test_order_is_changed_for_every_door(client: httpx.AsyncClient, office: OfficeServices) -> None:
    assert (await client.post("/llm/proxy/reset", json={})).status_code == 400
    await create_provider(client, LINKS)

    def stored() -> tuple[int, int]:
        spec = office.publisher.current.providers[0]
        return spec.proxy_preferred, spec.proxy_generation

    assert stored() == (0, 1)
    switched = await client.post("/llm/proxy/switch-next", json={})
    assert (switched.json()["proxy"]["first"], stored()) == (1, (1, 2))
    links = tuple(
        ProxyLinkStatus(name="", kind="x", host="***", current=index == 2, working=True, failures=0)
        for index in range(3)
    )
    pool = ProxyPoolStatus(owner="cloud:mine", policy="never_direct", links=links, switch_reason="refused")
    await office.report_ingest.accept(DoorReport(door="gateway#1", sequence=1, revision=1, proxies=(pool,)))
    status = (await client.get("/llm/proxy/status")).json()
    assert status["core"]["remedy"] == "secretary proxies install"
    assert status["proxies"][0]["doors"]["gateway#1"]["switch_reason"] == "refused"
    await client.post("/llm/proxy/switch-next", json={"owner": "cloud:mine"})
    assert stored() == (0, 3), "the doors use the third link now"
    moved = await client.post("/llm/proxy/reorder", json={"order": [2, 0, 1]})
    assert (moved.status_code, stored_links(office)) == (200, [PLAIN, REALITY, WS_TLS])
    for body, code in (
        ({"order": [0, 0, 1]}, 400),
        ({"order": [0, 1]}, 400),
        ({"order": [1, 0, 2], "version": 1}, 409),
    ):
        assert (await client.post("/llm/proxy/reorder", json=body)).status_code == code
    await client.post("/llm/proxy/reset", json={})
    assert stored() == (0, 5)
    async with office.database.unit_of_work() as work:
        actions = [event.action for event in await work.audit.newest(100)]
    assert actions[:4] == ["reset", "reorder", "switch", "switch"]


async def test_links_are_kept_replaced_and_cleared(client: httpx.AsyncClient, office: OfficeServices) -> None:
    made = (await create_provider(client, LINKS, proxy_policy="direct_allowed")).json()["provider"]
    assert made["proxy_policy"] == "direct_allowed"
    path, version = f"/llm/providers/{made['id']}", made["version"]
    for changes, proxies, generation in (
        ({"description": "x"}, 3, 1),
        ({"vless_urls": [PLAIN]}, 1, 2),
        ({"vless_urls": None}, 0, 3),
    ):
        reply = await client.put(path, json={**changes, "version": version})
        version = reply.json()["provider"]["version"]
        assert reply.json()["provider"]["proxies"] == proxies
        assert office.publisher.current.providers[0].proxy_generation == generation


async def test_single_links_are_added_and_removed(client: httpx.AsyncClient, office: OfficeServices) -> None:
    await create_provider(client, [REALITY])
    added = await client.post("/llm/proxy/add", json={"vless_urls": f"{WS_TLS}\n{PLAIN}", "version": 1})
    assert (added.status_code, stored_links(office)) == (200, LINKS)
    for text in (PLAIN, "vless://nothing", ""):
        refused = await client.post("/llm/proxy/add", json={"vless_urls": text})
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "vless_urls")
    for body, code in (({"index": 3}, 400), ({"index": 0, "version": 1}, 409), ({"index": 0, "version": 2}, 200)):
        assert (await client.post("/llm/proxy/remove", json=body)).status_code == code
    assert stored_links(office) == [WS_TLS, PLAIN]
    for _ in range(2):
        assert (await client.post("/llm/proxy/remove", json={"index": 0})).status_code == 200
    assert office.publisher.current.providers[0].sealed_proxies == ""
    async with office.database.unit_of_work() as work:
        actions = [event.action for event in await work.audit.newest(100)]
    assert actions[:4] == ["remove", "remove", "remove", "add"]


async def test_bot_has_proxies_of_its_own(client: httpx.AsyncClient, office: OfficeServices) -> None:
    made = await client.post(
        "/telegram/instances", json={"name": "b", "bot_token": "123456:AAH-secret-token-wxyz", "vless_urls": LINKS}
    )
    bot = made.json()["instance"]
    assert (bot["proxies"], bot["proxy_policy"]) == (3, "never_direct")
    await client.post("/llm/proxy/switch-next", json={})
    spec = office.publisher.current.bots[0]
    assert (spec.proxy_preferred, spec.version) == (1, bot["version"] + 1)
    changed = await client.put(f"/telegram/instances/{bot['id']}", json={"language": "en", "version": spec.version})
    assert changed.json()["instance"]["proxies"] == 3
    assert office.publisher.current.bots[0].proxy_preferred == 1
    cleared = {"vless_urls": None, "version": changed.json()["instance"]["version"]}
    assert (await client.put(f"/telegram/instances/{bot['id']}", json=cleared)).json()["instance"]["proxies"] == 0
    assert parse_link(PLAIN).kind == "socks5"
