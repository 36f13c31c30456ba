"""Languages that an installation uses and its default model does not speak, with what to do about each."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from deployments.contracts.commands import secretary_command
from deployments.contracts.errors import NoModelForLanguage
from deployments.contracts.local_models import find_local_engine, local_engines
from deployments.contracts.snapshot import Snapshot
from deployments.contracts.speech import EngineStatus
from deployments.conversation.model_choice import default_route, expand_route, route_languages, speaks_all
from deployments.models.catalogue import load_catalogue
from deployments.text.language_names import english_name

_PULL = secretary_command("models pull")
_GGUF = ".gguf"


@dataclass(frozen=True, slots=True)
class LanguageGap:
    """``language`` (ISO 639) has no model."""

    language: str

    @property
    def name(self) -> str:
        """The English name of the language."""
        return english_name(self.language).title()

    @property
    def message(self) -> str:
        return f"no {self.name} model: questions in {self.name} without a prepared answer get the fallback answer"

    @property
    def remedy(self) -> str:
        """The command that installs the smallest model of the catalogue that speaks the language, or an empty text."""
        return f"{_PULL} {fitting[1]}" if (fitting := _smallest_model(self.language)) else ""

    @property
    def reference(self) -> str:
        """That model as ``graph.yaml`` names it, or an empty text."""
        return f"model://{fitting[1]}/{fitting[2]}" if (fitting := _smallest_model(self.language)) else ""

    @property
    def next_step(self) -> str:
        """What to do after ``remedy``."""
        if self.reference:
            return f"set model: {self.reference} of a chat model in graph.yaml and restart"
        return f"choose a model that speaks {self.name} in graph.yaml"

    @property
    def advice(self) -> str:
        return f"{self.remedy}, then {self.next_step}" if self.remedy else self.next_step


def find_language_gaps(snapshot: Snapshot, engines: Iterable[EngineStatus]) -> tuple[LanguageGap, ...]:
    """The used languages that the model of the default route does not speak. Empty when the graph has no model, when
    its languages are not known, and when ``llm.answer_in_any_language`` is set."""
    statuses, route = tuple(engines), default_route(snapshot)
    if not local_engines(statuses) or snapshot.settings.llm.answer_in_any_language:
        return ()
    spoken: set[str] = set()
    for each in expand_route(route, snapshot):
        local = find_local_engine(each, statuses)
        languages = route_languages(each, snapshot, local.languages if local else ())
        if speaks_all(languages):
            return ()
        spoken |= set(languages)
    return tuple(LanguageGap(language) for language in used_languages(snapshot) if language not in spoken)


def used_languages(snapshot: Snapshot) -> tuple[str, ...]:
    """The languages of the settings, personas, enabled FAQ entries and enabled bots and widgets, sorted."""
    personas = (language for persona in snapshot.personas for language in (*persona.prompts, *persona.fallback_answers))
    instances = (each.language for each in (*snapshot.bots, *snapshot.widgets) if each.enabled)
    faq = (entry.language for entry in snapshot.faq)
    return tuple(sorted({snapshot.settings.default_language, *personas, *instances, *faq}))


def no_model_error(language: str) -> NoModelForLanguage:
    """The error of a turn that cannot use a fallback answer."""
    gap = LanguageGap(language)
    advice = f"run: {gap.advice}" if gap.remedy else gap.advice
    return NoModelForLanguage(f"no language model here speaks {gap.name}; {advice}", remedy=gap.remedy)


@cache
def _smallest_model(language: str) -> tuple[int, str, str] | None:
    """Size, id and file of the smallest chat model for llama.cpp that speaks ``language``."""
    fitting = (
        (model.size, model.id, model.files[0].path)
        for model in load_catalogue().models
        if model.kind == "chat" and model.files and model.files[0].path.endswith(_GGUF)
        if speaks_all(model.languages) or language in model.languages
    )
    return min(fitting, default=None)
