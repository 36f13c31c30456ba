"""/admin/widget."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.serve.admin_client import AdminClient, error_of


@pytest.fixture
def widget(office: AdminClient) -> Iterator[dict[str, Any]]:
    body = {"name": "Rows", "title": "Ask us", "allowed_domains": ["Shop.Example.org"], "primary_color": "#ABCDEF"}
    body["llm_params"] = {"temperature": 0.3}
    made = office.post("/widget/instances", body)["instance"]
    yield made
    office.http.delete(f"/widget/instances/{made['id']}")


def test_get_and_post_config(office: AdminClient) -> None:
    try:
        made = office.post("/widget/config", {"title": "Chat", "greeting": "Hello!"})["instance"]
        assert made["id"] == "default"
        changed = office.post("/widget/config", {"position": "left"})["instance"]
        assert office.get("/widget/config") == changed
        assert (changed["title"], changed["position"], changed["greeting"]) == ("Chat", "left", "Hello!")
        assert error_of(office.http.post("/widget/config", json={"position": "top"}))[0] == 400
    finally:
        office.http.delete("/widget/instances/default")
    assert office.http.get("/widget/config").status_code == 404


def test_get_and_post_instances(office: AdminClient, widget: dict[str, Any]) -> None:
    assert office.get("/widget/instances")["instances"] == [widget]
    assert (widget["allowed_domains"], widget["primary_color"]) == (["shop.example.org"], "#abcdef")
    assert office.get("/widget/instances/rows") == widget
    assert (widget["llm_params"]["temperature"], widget["llm_params"]["top_p"]) == (0.3, None)
    wrong = {"name": "x", "primary_color": "red;}</style>"}
    assert error_of(office.http.post("/widget/instances", json=wrong))[0] == 400


def test_put_and_delete_instance(office: AdminClient, widget: dict[str, Any]) -> None:
    changed = office.put("/widget/instances/rows", {"enabled": False, "greeting": None, "version": widget["version"]})
    assert office.get("/widget/instances/rows") == changed["instance"]
    assert office.get("/widget/instances", enabled_only=True)["instances"] == []
    stale = office.http.put("/widget/instances/rows", json={"title": "x", "version": widget["version"]})
    assert error_of(stale)[0] == 409
    office.delete("/widget/instances/rows")
    assert error_of(office.http.get("/widget/instances/rows"))[0] == 404
