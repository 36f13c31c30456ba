"""/admin/faq: saved entries are what the gateway answers."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.serve.admin_client import AdminClient, error_of, wait_for_change

QUESTION, ANSWER = "Where does the violet canoe hang?", "It hangs in the boathouse / on the left."


@pytest.fixture(autouse=True)
def entry(office: AdminClient) -> Iterator[dict[str, object]]:
    made = office.post("/faq", {"trigger": QUESTION, "response": ANSWER, "language": "en"})["entry"]
    yield made
    office.http.delete(f"/faq/entries/{made['id']}")


def test_get_faq(office: AdminClient) -> None:
    assert office.get("/faq")["faq"][QUESTION] == ANSWER


def test_post_faq(office: AdminClient) -> None:
    wait_for_change(lambda: office.answer_to(QUESTION) == ANSWER)
    again = office.http.post("/faq", json={"trigger": QUESTION, "response": "x", "language": "en"})
    assert error_of(again)[0] == 409


def test_put_trigger(office: AdminClient, entry: dict[str, object]) -> None:
    office.put(f"/faq/{quote(QUESTION)}", {"trigger": QUESTION, "response": "It was sold."})
    wait_for_change(lambda: office.answer_to(QUESTION) == "It was sold.")
    other = "Who bought the canoe / the paddle?"
    office.put(f"/faq/{quote(QUESTION)}", {"trigger": other, "response": "A swimmer did."})
    wait_for_change(lambda: office.answer_to(other) == "A swimmer did.")
    assert office.get(f"/faq/entries/{entry['id']}")["question"] == other
    for spelling in (quote(other, safe=""), quote(other)):
        office.put(f"/faq/{spelling}", {"response": f"Told by {spelling}."})
        assert office.get(f"/faq/entries/{entry['id']}")["answer"] == f"Told by {spelling}."
    assert error_of(office.http.put("/faq/Nobody asked that", json={"response": "x"}))[0] == 404


def test_delete_trigger(office: AdminClient) -> None:
    wait_for_change(lambda: office.answer_to(QUESTION) == ANSWER)
    assert office.delete(f"/faq/{quote(QUESTION)}")["deleted"] == QUESTION
    wait_for_change(lambda: office.answer_to(QUESTION) != ANSWER)
    assert QUESTION not in office.get("/faq")["faq"]
    assert error_of(office.http.delete(f"/faq/{quote(QUESTION)}"))[0] == 404


@pytest.mark.parametrize("verb", ["reload", "save"])
def test_post_reload_and_save(office: AdminClient, verb: str, entry: dict[str, object]) -> None:
    assert office.post(f"/faq/{verb}")["count"] == office.get("/faq/stats")["enabled"]
    office.delete(f"/faq/entries/{entry['id']}")
    assert office.post(f"/faq/{verb}")["count"] == office.get("/faq/stats")["enabled"]


def test_post_test(office: AdminClient) -> None:
    asked_otherwise = {"text": "where hangs the violet canoe", "language": "en"}
    wait_for_change(lambda: office.post("/faq/test", asked_otherwise)["match"] == QUESTION)
    assert office.post("/faq/test", asked_otherwise)["response"] == ANSWER
    assert office.post("/faq/test", {"text": "Sing a song about tin."})["match"] is None
