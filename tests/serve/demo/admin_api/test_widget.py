"""/admin/widget."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.serve.admin_client import AdminClient, error_of


@pytest.fixture
def widget(admin: AdminClient) -> Iterator[dict[str, Any]]:
    body = {"name": "Rows", "title": "Ask us", "allowed_domains": ["Shop.Example.org"], "primary_color": "#ABCDEF"}
    body["llm_params"] = {"temperature": 0.3}
    made = admin.post("/widget/instances", body)["instance"]
    yield made
    admin.http.delete(f"/widget/instances/{made['id']}")


def test_get_and_post_config(admin: AdminClient) -> None:
    try:
        made = admin.post("/widget/config", {"title": "Chat", "greeting": "Hello!"})["instance"]
        assert made["id"] == "default"
        changed = admin.post("/widget/config", {"position": "left"})["instance"]
        assert admin.get("/widget/config") == changed
        assert (changed["title"], changed["position"], changed["greeting"]) == ("Chat", "left", "Hello!")
        assert error_of(admin.http.post("/widget/config", json={"position": "top"}))[0] == 400
    finally:
        admin.http.delete("/widget/instances/default")
    assert admin.http.get("/widget/config").status_code == 404


def test_get_and_post_instances(admin: AdminClient, widget: dict[str, Any]) -> None:
    assert admin.get("/widget/instances")["instances"] == [widget]
    assert (widget["allowed_domains"], widget["primary_color"]) == (["shop.example.org"], "#abcdef")
    assert admin.get("/widget/instances/rows") == widget
    assert (widget["llm_params"]["temperature"], widget["llm_params"]["top_p"]) == (0.3, None)
    wrong = {"name": "x", "primary_color": "red;}</style>"}
    assert error_of(admin.http.post("/widget/instances", json=wrong))[0] == 400


def test_put_and_delete_instance(admin: AdminClient, widget: dict[str, Any]) -> None:
    changed = admin.put("/widget/instances/rows", {"enabled": False, "greeting": None, "version": widget["version"]})
    assert admin.get("/widget/instances/rows") == changed["instance"]
    assert admin.get("/widget/instances", enabled_only=True)["instances"] == []
    stale = admin.http.put("/widget/instances/rows", json={"title": "x", "version": widget["version"]})
    assert error_of(stale)[0] == 409
    admin.delete("/widget/instances/rows")
    assert error_of(admin.http.get("/widget/instances/rows"))[0] == 404
