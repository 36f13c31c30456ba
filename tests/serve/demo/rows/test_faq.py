"""Rows of /admin/faq: what is written is what the gateway says."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.serve.office import Office, follows, refused

QUESTION, ANSWER = "Where does the violet canoe hang?", "It hangs in the boathouse / on the left."


@pytest.fixture(autouse=True)
def entry(office: Office) -> Iterator[dict[str, object]]:
    made = office.post("/faq", {"trigger": QUESTION, "response": ANSWER, "language": "en"})["entry"]
    yield made
    office.http.delete(f"/faq/entries/{made['id']}")


def test_get_faq(office: Office) -> None:
    assert office.get("/faq")["faq"][QUESTION] == ANSWER


def test_post_faq(office: Office) -> None:
    follows(lambda: office.says(QUESTION) == ANSWER)
    again = office.http.post("/faq", json={"trigger": QUESTION, "response": "x", "language": "en"})
    assert refused(again)[0] == 409


def test_put_trigger(office: Office, entry: dict[str, object]) -> None:
    office.put(f"/faq/{quote(QUESTION)}", {"trigger": QUESTION, "response": "It was sold."})
    follows(lambda: office.says(QUESTION) == "It was sold.")
    other = "Who bought the canoe / the paddle?"
    office.put(f"/faq/{quote(QUESTION)}", {"trigger": other, "response": "A swimmer did."})
    follows(lambda: office.says(other) == "A swimmer did.")
    assert office.get(f"/faq/entries/{entry['id']}")["question"] == other, "a renamed entry stays the same entry"
    for spelling in (quote(other, safe=""), quote(other)):
        office.put(f"/faq/{spelling}", {"response": f"Told by {spelling}."})
        assert office.get(f"/faq/entries/{entry['id']}")["answer"] == f"Told by {spelling}."
    assert refused(office.http.put("/faq/Nobody asked that", json={"response": "x"}))[0] == 404


def test_delete_trigger(office: Office) -> None:
    follows(lambda: office.says(QUESTION) == ANSWER)
    assert office.delete(f"/faq/{quote(QUESTION)}")["deleted"] == QUESTION
    follows(lambda: office.says(QUESTION) != ANSWER)
    assert QUESTION not in office.get("/faq")["faq"]
    assert refused(office.http.delete(f"/faq/{quote(QUESTION)}"))[0] == 404


@pytest.mark.parametrize("verb", ["reload", "save"])
def test_post_reload_and_save(office: Office, verb: str, entry: dict[str, object]) -> None:
    assert office.post(f"/faq/{verb}")["count"] == office.get("/faq/stats")["enabled"]
    office.delete(f"/faq/entries/{entry['id']}")
    assert office.post(f"/faq/{verb}")["count"] == office.get("/faq/stats")["enabled"]


def test_post_test(office: Office) -> None:
    asked_otherwise = {"text": "where hangs the violet canoe", "language": "en"}
    follows(lambda: office.post("/faq/test", asked_otherwise)["match"] == QUESTION)
    assert office.post("/faq/test", asked_otherwise)["response"] == ANSWER
    assert office.post("/faq/test", {"text": "Sing a song about tin."})["match"] is None
