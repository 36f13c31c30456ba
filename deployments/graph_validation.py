"""What the types of a graph's arguments cannot say: names that must agree, engines and options that must exist."""

from collections.abc import Iterator

from deployments.arguments import BotsArgs, Hosting, OfficeArgs, PhoneArgs, SecretaryArgs, Strict
from deployments.contracts.errors import InvalidRequest, SecretaryError
from deployments.engines.registry import EngineKind, EngineSpec, check_engine_options


def validate_arguments(arguments: Strict, *, third_party: bool = False) -> None:
    """Raises InvalidRequest that names the first few faulty places below ``args`` and what would be right there.

    Options of engines from other packages are looked at with ``third_party`` only: that imports those packages.
    """
    found = list(_faults(arguments, third_party))[:5]
    if found:
        raise InvalidRequest("; ".join(found))


def unknown_voices_error(door: Strict, secretary: SecretaryArgs) -> str:
    """Which voices a door of another application names without there being such a deployment, or nothing."""
    if not isinstance(door, OfficeArgs | PhoneArgs | BotsArgs):
        return ""
    there = [voice.name for voice in secretary.voices]
    if not there and "voices" not in door.staff.model_fields_set:
        return ""
    unknown = [name for name in door.staff.voices if name not in there]
    if not unknown:
        return ""
    return f"staff.voices: no voice deployment is called {', '.join(unknown)}; there are: {', '.join(there) or 'none'}"


def iter_engine_specs(arguments: SecretaryArgs) -> Iterator[tuple[str, EngineKind, EngineSpec]]:
    """Every engine with its place."""
    if arguments.chat:
        yield "chat", "chat", arguments.chat.spec
    for number, voice in enumerate(arguments.voices):
        for index, spec in enumerate(voice.engines):
            yield f"voices.{number}.engines.{index}", "speech", spec
    if arguments.recognition:
        yield "recognition", "recognition", arguments.recognition.spec


def iter_hosting(arguments: Strict) -> Iterator[Hosting]:
    """What Serve is told of each deployment."""
    if isinstance(arguments, Hosting):
        yield arguments
    if isinstance(arguments, SecretaryArgs):
        told = arguments.gateway, arguments.faq, arguments.chat, *arguments.voices, arguments.recognition
        yield from (hosting for hosting in told if hosting is not None)


def _faults(arguments: Strict, third_party: bool) -> Iterator[str]:
    if isinstance(arguments, OfficeArgs | BotsArgs) and arguments.replicas != 1:
        yield "replicas: there is exactly one"
    if not isinstance(arguments, SecretaryArgs):
        return
    voices = [voice.name for voice in arguments.voices]
    if len(set(voices)) < len(voices):
        yield f"voices: two deployments have one name: {', '.join(voices)}"
    for place, kind, spec in iter_engine_specs(arguments):
        try:
            check_engine_options(kind, spec, third_party=third_party)
        except SecretaryError as error:
            yield f"{place}: {error.message}"
