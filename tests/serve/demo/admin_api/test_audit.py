"""/admin/audit on the running secretary."""

import csv
import io
from collections.abc import Iterator

import pytest

from tests.serve.admin_client import AdminClient, error_of, json_of


@pytest.fixture(scope="module")
def change(admin: AdminClient) -> Iterator[str]:
    """The id of a created FAQ entry in the audit log."""
    entry = admin.post("/faq", {"trigger": "Who waters the ferns?", "response": "Nobody does."})["entry"]
    yield str(entry["id"])
    admin.delete(f"/faq/entries/{entry['id']}")


def test_get_logs(admin: AdminClient, change: str) -> None:
    found = admin.get("/audit/logs", action="create", resource="faq", user_id="admin")
    assert found["count"] == len(found["logs"])
    newest = found["logs"][0]
    assert (newest["action"], newest["resource"], newest["resource_id"]) == ("create", "faq", change)
    moment = newest["timestamp"]
    assert change in [each["resource_id"] for each in admin.get("/audit/logs", from_date=moment)["logs"]]
    assert newest["id"] not in [each["id"] for each in admin.get("/audit/logs", to_date=moment)["logs"]]
    assert admin.get("/audit/logs", from_date="2199-01-01")["logs"] == []
    assert admin.get("/audit/logs", action="login", limit=1)["logs"][0]["user_ip"] == "127.0.0.1"
    older = admin.get("/audit/logs", limit=1, offset=1)["logs"]
    assert older[0]["id"] < admin.get("/audit/logs", limit=1)["logs"][0]["id"]
    assert error_of(admin.http.get("/audit/logs", params={"from_date": "yesterday"}))[0] == 400


def test_get_stats(admin: AdminClient, change: str) -> None:
    before = admin.get("/audit/stats")["stats"]
    admin.login()
    after = admin.get("/audit/stats")["stats"]
    assert (
        after["total"] == before["total"] + 1 == sum(after["by_action"].values()) == sum(after["by_resource"].values())
    )
    assert after["by_action"]["login"] == before["by_action"]["login"] + 1
    assert before["last_24h"] < after["last_24h"] <= after["total"]


def test_get_export(admin: AdminClient, change: str) -> None:
    wanted = {"from_date": "2020-01-01"}
    as_json = admin.http.get("/audit/export", params={**wanted, "format": "json"})
    as_csv = admin.http.get("/audit/export", params={**wanted, "format": "csv"})
    events, rows = json_of(as_json), list(csv.DictReader(io.StringIO(as_csv.text)))
    assert any((event["resource"], event["resource_id"]) == ("faq", change) for event in events)
    assert [row["id"] for row in rows[: len(events)]] == [str(event["id"]) for event in events]
    assert as_csv.headers["content-type"].startswith("text/csv")
    for reply, ending in ((as_json, "json"), (as_csv, "csv")):
        assert reply.headers["content-disposition"] == f'attachment; filename="audit.{ending}"'


def test_post_cleanup(admin: AdminClient, change: str) -> None:
    assert error_of(admin.http.post("/audit/cleanup", params={"days": 6}))[0] == 400
    done = admin.post("/audit/cleanup", days=7)
    assert (done["deleted"], done["retention_days"]) == (0, 7)
    kept = admin.get("/audit/logs", resource="faq", action="create")["logs"]
    assert change in [event["resource_id"] for event in kept]
    newest = admin.get("/audit/logs", limit=1)["logs"][0]
    assert (newest["action"], newest["resource"]) == ("cleanup", "audit")
