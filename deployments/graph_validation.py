"""Checks of graph arguments beyond their types: names that must match, engines and options that must exist."""

from collections.abc import Iterator

from deployments.arguments import BotsArgs, Hosting, OfficeArgs, PhoneArgs, SecretaryArgs, Strict
from deployments.contracts.errors import InvalidRequest, SecretaryError
from deployments.engines.registry import EngineKind, EngineSpec, check_engine_options


def validate_arguments(arguments: Strict, *, third_party: bool = False) -> None:
    """Raises InvalidRequest that names up to five invalid fields and what is expected there.

    Options of engines from other packages are checked with ``third_party`` only, because that imports the packages.
    """
    errors = list(_errors(arguments, third_party))[:5]
    if errors:
        raise InvalidRequest("; ".join(errors))


def unknown_voices_error(door: Strict, secretary: SecretaryArgs) -> str:
    """An error text for voices in ``staff.voices`` that no deployment has, or an empty string."""
    if not isinstance(door, OfficeArgs | PhoneArgs | BotsArgs):
        return ""
    existing = [voice.name for voice in secretary.voices]
    if not existing and "voices" not in door.staff.model_fields_set:
        return ""
    unknown = [name for name in door.staff.voices if name not in existing]
    if not unknown:
        return ""
    return f"staff.voices: unknown voice deployment {', '.join(unknown)}; known: {', '.join(existing) or 'none'}"


def iter_engine_specs(arguments: SecretaryArgs) -> Iterator[tuple[str, EngineKind, EngineSpec]]:
    """Yields the path below ``args``, the kind and the spec of every engine."""
    if arguments.chat:
        yield "chat", "chat", arguments.chat.spec
    for number, voice in enumerate(arguments.voices):
        for index, spec in enumerate(voice.engines):
            yield f"voices.{number}.engines.{index}", "speech", spec
    if arguments.recognition:
        yield "recognition", "recognition", arguments.recognition.spec


def iter_hosting(arguments: Strict) -> Iterator[Hosting]:
    """Yields the hosting arguments of each deployment."""
    if isinstance(arguments, Hosting):
        yield arguments
    if isinstance(arguments, SecretaryArgs):
        deployments = arguments.gateway, arguments.faq, arguments.chat, *arguments.voices, arguments.recognition
        yield from (hosting for hosting in deployments if hosting is not None)


def _errors(arguments: Strict, third_party: bool) -> Iterator[str]:
    if isinstance(arguments, OfficeArgs | BotsArgs) and arguments.replicas != 1:
        yield "replicas: must be 1"
    if not isinstance(arguments, SecretaryArgs):
        return
    voices = [voice.name for voice in arguments.voices]
    if len(set(voices)) < len(voices):
        yield f"voices: duplicate names: {', '.join(voices)}"
    for path, kind, spec in iter_engine_specs(arguments):
        try:
            check_engine_options(kind, spec, third_party=third_party)
        except SecretaryError as error:
            yield f"{path}: {error.message}"
