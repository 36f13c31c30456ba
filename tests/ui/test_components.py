"""Components of the pages without a browser."""

from datetime import UTC, datetime

from deployments.administration.office.report_ingest import StageLatencyPoint
from deployments.contracts.errors import Conflict
from deployments.contracts.events import AnswerMatch, AnswerMatched, TextDelta, Timings, TurnFailed, TurnFinished
from ui.components.latency_plot import latency_series
from ui.components.panel_answer import PanelAnswer, failure_text, origin_text, timing_texts
from ui.tabs.chat.turn_speech import turn_failure
from ui.tabs.faq.form import parse_lines, parse_words
from ui.tabs.voices.hearing import marked_words
from ui.translations import Translator

T = Translator("en")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_answer_keeps_text_received_before_failure() -> None:
    answer = PanelAnswer()
    for event in (TextDelta("Half "), TextDelta("said"), TurnFailed("engine_timeout", "", True)):
        answer.apply(event)
    assert answer.text == "Half said"
    assert failure_text(answer, T) == "No answer came in time."


def test_answer_formats_source_and_times() -> None:
    match = AnswerMatch(3, "Hi", "en", "ranked", 91.4, "hello")
    answer = PanelAnswer()
    answer.apply(AnswerMatched(match))
    assert origin_text(answer, T) == "Answer 3 · similar question · 91 · “hello”"
    model = PanelAnswer(finished=TurnFinished(route="cloud:gemini", model="gemini-2.5-flash"))
    assert origin_text(model, T) == "gemini · gemini-2.5-flash"
    assert timing_texts(Timings(first_token_ms=1_500, total_ms=2_000), T) == ("first word 1.50 s", "total 2.00 s")


def test_lines_and_words_are_parsed() -> None:
    assert parse_lines(" one \n\n two") == ("one", "two")
    assert parse_words("a, b,, c\nd") == ("a", "b", "c", "d")
    assert parse_words(None) == ()


def test_latency_plot_has_two_lines_for_each_route() -> None:
    points = (
        StageLatencyPoint(NOW, "total", "local", 900, 1_200, 3),
        StageLatencyPoint(NOW, "first_token", "cloud:x", 500, 700, 1),
        StageLatencyPoint(NOW, "first_token", "local", 150, 300, 9),
        StageLatencyPoint(NOW, "first_token", "local:second", 170, 310, 2),
    )
    assert [line["name"] for line in latency_series(points, "first_token", T)] == [
        "x",
        "x: 19 of 20",
        "local model",
        "local model: 19 of 20",
        "local model second",
        "local model second: 19 of 20",
    ]


def test_question_during_another_answer_is_explained() -> None:
    assert turn_failure(Conflict("busy")).code == "answer_under_way"
    assert turn_failure(ValueError("secret")).message == ""


def test_differing_words_are_marked() -> None:
    said, heard = marked_words("Запишите меня, на вторник", "запишите меня в пятницу")
    assert [word for word, differs in said if differs] == ["на", "вторник"]
    assert [word for word, differs in heard if differs] == ["в", "пятницу"]
