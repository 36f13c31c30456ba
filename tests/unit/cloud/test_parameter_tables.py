"""The tables of parameters in the documentation are those of the backends."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deployments.contracts.chat import GenerationOptions
from deployments.contracts.provider_errors import NotSupported
from deployments.contracts.provider_kinds import PROVIDER_KINDS
from deployments.contracts.sampling import Sampling
from deployments.engines.chat.llama_request import request_body
from deployments.engines.cloud.parameters import ParameterRules
from tests.unit.cloud.engines import question

_DOCS = Path(__file__).parents[3] / "docs"
_VALUES = GenerationOptions(
    max_tokens=5,
    temperature=0.5,
    top_p=0.5,
    repetition_penalty=1.5,
    frequency_penalty=0.5,
    presence_penalty=0.5,
    seed=5,
    stop=("x",),
)


def _rows(page: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each parameter of the table under "## Parameters" with its cells by column."""
    text = (_DOCS / page).read_text(encoding="utf-8").partition("## Parameters")[2]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    head, _, *rows = ([cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines)
    for names, *cells in rows:
        for name in names.replace("`", "").split(", "):
            if hasattr(_VALUES, name):
                yield name, dict(zip(head[1:], cells, strict=True))


def _only(name: str) -> GenerationOptions:
    return GenerationOptions(**{name: getattr(_VALUES, name)})


@pytest.mark.parametrize("kind", PROVIDER_KINDS)
def test_cloud_parameters_are_refused_as_documented(kind: str) -> None:
    rules = ParameterRules("Provider", "model", PROVIDER_KINDS[kind], Sampling())
    documented = dict(_rows("providers.md"))
    assert len(documented) == 8
    for name, cells in documented.items():
        if cells[kind] != "refused":
            rules.check(replace(question(), options=_only(name)))
            continue
        with pytest.raises(NotSupported) as caught:
            rules.check(replace(question(), options=_only(name)))
        assert caught.value.param == name


def test_llama_cpp_gets_parameters_as_documented() -> None:
    documented = dict(_rows("openai-api.md"))
    assert len(documented) == 8
    for name, cells in documented.items():
        body = request_body(replace(question(), options=_only(name)), 7)
        value = getattr(_VALUES, name)
        assert body[cells["llama_cpp"]] == (list(value) if name == "stop" else value)  # type: ignore[literal-required]
