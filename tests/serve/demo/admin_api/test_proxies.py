"""A provider behind proxies, through a running secretary. Real tunnels: Debian's v2ray at both ends."""

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.serve.admin_client import AdminClient, settings_restored, wait_for_change
from tests.servers.cloud_provider import CloudProviderServer, Script, cloud_provider_thread
from tests.servers.vless import FAR_END, FarEnd

ANSWER = "The tunnel answers."
QUESTION = "What does the tunnel say?"


@pytest.fixture
def cloud() -> Iterator[CloudProviderServer]:
    with cloud_provider_thread("openai") as server:
        server.script = Script(answer=ANSWER)
        yield server


@pytest.fixture
def far_ends() -> Iterator[list[FarEnd]]:
    ends = [FarEnd("tcp"), FarEnd("ws"), FarEnd("socks5")]
    try:
        yield [end.start() for end in ends]
    finally:
        for end in ends:
            end.kill()


@pytest.fixture
def provider(admin: AdminClient, cloud: CloudProviderServer, far_ends: list[FarEnd]) -> Iterator[dict[str, Any]]:
    """The provider could be reached directly too."""
    body = {
        "name": "Behind proxies",
        "provider_type": "openai",
        "model_name": "gpt-5",
        "api_key": "sk-0123456789abcdef",
        "base_url": cloud.base_url,
        "vless_urls": [end.link for end in far_ends],
    }
    with settings_restored(admin):
        settings = {"outbound": {"allowed_hosts": ["127.0.0.1"]}}
        revision = admin.get("/settings")["revision"]
        assert admin.http.patch("/settings", json={"settings": settings, "revision": revision}).is_success
        made = admin.post("/llm/providers", body)["provider"]
        yield made
        admin.delete(f"/llm/providers/{made['id']}")


def test_provider_answers_while_links_die(
    admin: AdminClient, cloud: CloudProviderServer, far_ends: list[FarEnd], provider: dict[str, Any]
) -> None:
    def answer() -> str | None:
        return admin.complete(QUESTION, provider["route"]).choices[0].message.content

    wait_for_change(lambda: provider["route"] in [each.id for each in admin.secretary.openai.models.list()])
    for end in far_ends:
        assert answer() == ANSWER
        end.kill()
    asked = len(cloud.requests)
    with pytest.raises(openai.APIStatusError, match="none of the 3 proxies works"):
        admin.secretary.openai.with_options(max_retries=0).chat.completions.create(
            model=provider["route"], messages=[{"role": "user", "content": QUESTION}]
        )
    assert (len(cloud.requests), cloud.peers) == (asked, {FAR_END}), "the provider was reached directly"
    far_ends[1].start()
    assert answer() == ANSWER
    assert cloud.peers == {FAR_END}
