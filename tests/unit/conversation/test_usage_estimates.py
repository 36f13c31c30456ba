"""Pieces of speech requests and usage estimates."""

from deployments.contracts.speech import SpeechRequest
from deployments.conversation.usage_estimates import estimate_first_piece_s, split_request

TEXT = "Первое предложение готово. Второе тоже."


def test_split_request_cuts_into_sentences() -> None:
    assert split_request(SpeechRequest(TEXT), "ru") == ["Первое предложение готово.", "Второе тоже."]


def test_split_request_keeps_single_piece() -> None:
    request = SpeechRequest(TEXT, split=False)
    assert split_request(request, "ru") == [TEXT]
    assert estimate_first_piece_s(request) > estimate_first_piece_s(SpeechRequest(TEXT))
