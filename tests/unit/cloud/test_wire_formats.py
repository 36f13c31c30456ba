import pytest

from deployments.contracts.provider_kinds import PROVIDER_KINDS
from deployments.engines.conformance import CHAT_CHECKS, check_conformance
from tests.servers.cloud_provider import cloud_provider
from tests.unit.cloud.engines import cloud_engine


@pytest.mark.parametrize("kind", PROVIDER_KINDS)
async def test_provider_kind_conforms(kind: str) -> None:
    async with cloud_provider(PROVIDER_KINDS[kind].dialect) as server:
        server.script.gap_s = 0.001
        async with cloud_engine(server, kind) as engine:
            await check_conformance(engine, CHAT_CHECKS)
        assert server.connections < len(server.requests)
