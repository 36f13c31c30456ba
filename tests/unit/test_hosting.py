"""The classes that are passed to Serve."""

import pytest

from deployments.arguments import Hosting
from deployments.hosting import host, host_door


class PlainService:
    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class DoorService(PlainService):
    def __serve_build_asgi_app__(self) -> object:
        return None


class UnhealthyService(PlainService):
    async def check_health(self) -> None:
        raise RuntimeError("replace me")


def hosted(application: object) -> type:
    return application._bound_deployment.func_or_class  # type: ignore[attr-defined,no-any-return]


def test_hosted_class_has_check_health() -> None:
    for application in (host(PlainService, Hosting(), "plain"), host_door(DoorService, Hosting(), "door")):
        assert callable(hosted(application).check_health)  # type: ignore[attr-defined]


async def test_hosted_class_keeps_own_check_health() -> None:
    cls = hosted(host(UnhealthyService, Hosting(), "broken"))
    with pytest.raises(RuntimeError, match="replace me"):
        await cls.check_health(None)  # type: ignore[attr-defined]
