"""/admin/faq: saved entries are what the gateway answers."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.serve.admin_client import AdminClient, error_of, wait_for_change

QUESTION, ANSWER = "Where does the violet canoe hang?", "It hangs in the boathouse / on the left."


@pytest.fixture(autouse=True)
def entry(admin: AdminClient) -> Iterator[dict[str, object]]:
    made = admin.post("/faq", {"trigger": QUESTION, "response": ANSWER, "language": "en"})["entry"]
    yield made
    admin.http.delete(f"/faq/entries/{made['id']}")


def test_get_faq(admin: AdminClient) -> None:
    assert admin.get("/faq")["faq"][QUESTION] == ANSWER


def test_post_faq(admin: AdminClient) -> None:
    wait_for_change(lambda: admin.answer_to(QUESTION) == ANSWER)
    again = admin.http.post("/faq", json={"trigger": QUESTION, "response": "x", "language": "en"})
    assert error_of(again)[0] == 409


def test_put_trigger(admin: AdminClient, entry: dict[str, object]) -> None:
    admin.put(f"/faq/{quote(QUESTION)}", {"trigger": QUESTION, "response": "It was sold."})
    wait_for_change(lambda: admin.answer_to(QUESTION) == "It was sold.")
    other = "Who bought the canoe / the paddle?"
    admin.put(f"/faq/{quote(QUESTION)}", {"trigger": other, "response": "A swimmer did."})
    wait_for_change(lambda: admin.answer_to(other) == "A swimmer did.")
    assert admin.get(f"/faq/entries/{entry['id']}")["question"] == other
    for spelling in (quote(other, safe=""), quote(other)):
        admin.put(f"/faq/{spelling}", {"response": f"Answer for {spelling}."})
        assert admin.get(f"/faq/entries/{entry['id']}")["answer"] == f"Answer for {spelling}."
    assert error_of(admin.http.put("/faq/Nobody asked that", json={"response": "x"}))[0] == 404


def test_delete_trigger(admin: AdminClient) -> None:
    wait_for_change(lambda: admin.answer_to(QUESTION) == ANSWER)
    assert admin.delete(f"/faq/{quote(QUESTION)}")["deleted"] == QUESTION
    wait_for_change(lambda: admin.answer_to(QUESTION) != ANSWER)
    assert QUESTION not in admin.get("/faq")["faq"]
    assert error_of(admin.http.delete(f"/faq/{quote(QUESTION)}"))[0] == 404


@pytest.mark.parametrize("verb", ["reload", "save"])
def test_post_reload_and_save(admin: AdminClient, verb: str, entry: dict[str, object]) -> None:
    assert admin.post(f"/faq/{verb}")["count"] == admin.get("/faq/stats")["enabled"]
    admin.delete(f"/faq/entries/{entry['id']}")
    assert admin.post(f"/faq/{verb}")["count"] == admin.get("/faq/stats")["enabled"]


def test_post_test(admin: AdminClient) -> None:
    asked_otherwise = {"text": "where hangs the violet canoe", "language": "en"}
    wait_for_change(lambda: admin.post("/faq/test", asked_otherwise)["match"] == QUESTION)
    assert admin.post("/faq/test", asked_otherwise)["response"] == ANSWER
    assert admin.post("/faq/test", {"text": "Sing a song about tin."})["match"] is None
