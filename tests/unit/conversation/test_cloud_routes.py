"""The cloud routes that /ready lists."""

from deployments.contracts.instances import ActionButton, BotSpec, WidgetSpec
from deployments.contracts.persona import Persona
from deployments.contracts.providers import ProviderSpec, RouteChain
from deployments.contracts.settings import Settings
from deployments.contracts.snapshot import Snapshot
from deployments.conversation.cloud_routes import CloudRoute, CloudState, used_cloud_routes


def provider(name: str, kind: str = "openai", key: str = "sealed", enabled: bool = True) -> ProviderSpec:
    return ProviderSpec(
        id=name, name=name, provider_type=kind, model_name=f"m-{name}", sealed_api_key=key, enabled=enabled
    )


def test_used_cloud_routes_have_their_state() -> None:
    snapshot = Snapshot(
        settings=Settings(default_route="chain:work"),
        personas=(Persona(id="anna", name="Anna", prompts={}, route="cloud:keyless"),),
        providers=(
            provider("ok"),
            provider("keyless", key=""),
            provider("own", kind="custom", key=""),
            provider("off", enabled=False),
            provider("bad"),
            provider("unused"),
        ),
        chains=(
            RouteChain(name="work", routes=("local", "cloud:ok", "cloud:gone")),
            RouteChain(name="off", routes=("cloud:unused",), enabled=False),
        ),
        bots=(
            BotSpec(
                id="b",
                name="b",
                route="cloud:off",
                action_buttons=(ActionButton(id="x", label="x", route="cloud:bad"),),
            ),
            BotSpec(id="c", name="c", route="cloud:unused", enabled=False),
        ),
        widgets=(WidgetSpec(id="w", name="w", route="cloud:own"),),
    )
    found = {each.route: each.state for each in used_cloud_routes(snapshot, failing={"cloud:bad", "local"})}
    assert found == {
        "cloud:keyless": CloudState.KEY_MISSING,
        "cloud:ok": CloudState.CONFIGURED,
        "cloud:gone": CloudState.UNKNOWN,
        "cloud:off": CloudState.SWITCHED_OFF,
        "cloud:own": CloudState.CONFIGURED,
        "cloud:bad": CloudState.FAILING,
    }
    assert CloudRoute("cloud:ok", "m-ok", CloudState.CONFIGURED) in used_cloud_routes(snapshot)


def test_gemini_is_listed_by_its_provider() -> None:
    snapshot = Snapshot(
        settings=Settings(default_route="cloud:gemini"), providers=(provider("mine", kind="gemini", key=""),)
    )
    assert used_cloud_routes(snapshot) == (CloudRoute("cloud:mine", "m-mine", CloudState.KEY_MISSING),)
