"""The languages of the model that engine options name."""

import pytest
from pydantic import JsonValue

from deployments.models.model_languages import model_languages


@pytest.mark.parametrize(
    ("options", "languages"),
    [
        ({"model": "model://smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf"}, ("en",)),
        ({"model": "model://smollm2-135m-instruct"}, ("en",)),
        ({"model": "/srv/weights/SmolLM2-135M-Instruct.Q4_1.gguf"}, ("en",)),
        ({"model": "/srv/smollm2-135m-instruct/renamed.gguf"}, ("en",)),
        ({"model": "/srv/renamed.gguf", "model_id": "smollm2-135m-instruct"}, ("en",)),
        ({"model": "model://qwen2.5-1.5b-instruct/qwen2.5-1.5b-instruct-q4_k_m.gguf"}, ("ru", "en", "mul")),
        ({"model": "/srv/unknown.gguf"}, ()),
        ({"model": "model://smollm2-135m-instruct", "languages": ["ru"]}, ("ru",)),
        ({"model": "model://smollm2-135m-instruct", "languages": []}, ()),
        ({"model": "/srv/whisper-base/model.bin"}, ()),
        ({}, ()),
    ],
)
def test_model_languages_from_option_or_catalogue(options: dict[str, JsonValue], languages: tuple[str, ...]) -> None:
    assert model_languages(options) == languages
