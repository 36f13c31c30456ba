"""Checks of graph arguments beyond their types: names that must match, engines and options that must exist."""

from collections.abc import Iterator

from deployments import names
from deployments.arguments import BotsArgs, Hosting, OfficeArgs, PhoneArgs, SecretaryArgs, Strict
from deployments.contracts.errors import InvalidRequest, SecretaryError
from deployments.engines.registry import EngineKind, EngineSpec, check_engine_options

_FIXED_NAMES = (names.GATEWAY, names.FAQ, names.RECOGNITION, names.OFFICE, names.PHONE, names.BOTS)
_ROUTE_WORDS = ("local", "cloud", "chain", "gemini", "secretary")
"""Words that have another meaning as a model name or a route."""


def validate_arguments(arguments: Strict, *, third_party: bool = False) -> None:
    """Raises InvalidRequest that names up to five invalid fields and what is expected there.

    Options of engines from other packages are checked with ``third_party`` only, because that imports the packages.
    """
    errors = list(_errors(arguments, third_party))[:5]
    if errors:
        raise InvalidRequest("; ".join(errors))


def unknown_deployments_error(door: Strict, secretary: SecretaryArgs) -> str:
    """An error text for names in ``staff.chats`` and ``staff.voices`` that no deployment has, and for another default
    model than that of the graph, or an empty string."""
    if not isinstance(door, OfficeArgs | PhoneArgs | BotsArgs):
        return ""
    unknown_names = "; ".join(
        f"staff.{field}: unknown {noun} deployment {', '.join(unknown)}; known: {', '.join(existing) or 'none'}"
        for field, noun, used, existing in (
            ("chats", "chat", door.staff.chats, [chat.name for chat in secretary.chats]),
            ("voices", "voice", door.staff.voices, [voice.name for voice in secretary.voices]),
        )
        if (existing or field in door.staff.model_fields_set)
        and (unknown := [name for name in used if name not in existing])
    )
    if unknown_names or not door.staff.chats or not secretary.chats:
        return unknown_names
    default = secretary.chats[0].name
    return "" if door.staff.chats[0] == default else f"staff.chats: name the default model {default} first"


def iter_engine_specs(arguments: SecretaryArgs) -> Iterator[tuple[str, EngineKind, EngineSpec]]:
    """Yields the path below ``args``, the kind and the spec of every engine."""
    for number, chat in enumerate(arguments.chats):
        yield f"chats.{number}", "chat", chat.spec
    for number, voice in enumerate(arguments.voices):
        for index, spec in enumerate(voice.engines):
            yield f"voices.{number}.engines.{index}", "speech", spec
    if arguments.recognition:
        for index, spec in enumerate(arguments.recognition.engines):
            yield f"recognition.engines.{index}", "recognition", spec


def iter_hosting(arguments: Strict) -> Iterator[Hosting]:
    """Yields the hosting arguments of each deployment."""
    if isinstance(arguments, Hosting):
        yield arguments
    if isinstance(arguments, SecretaryArgs):
        deployments = arguments.gateway, arguments.faq, *arguments.chats, *arguments.voices, arguments.recognition
        yield from (hosting for hosting in deployments if hosting is not None)


def _errors(arguments: Strict, third_party: bool) -> Iterator[str]:
    if isinstance(arguments, OfficeArgs | BotsArgs) and arguments.replicas != 1:
        yield "replicas: must be 1"
    if not isinstance(arguments, SecretaryArgs):
        return
    yield from _name_errors(arguments)
    for path, kind, spec in iter_engine_specs(arguments):
        try:
            check_engine_options(kind, spec, third_party=third_party)
        except SecretaryError as error:
            yield f"{path}: {error.message}"


def _name_errors(arguments: SecretaryArgs) -> Iterator[str]:
    """Chats and voices are deployments of one application and services of one list."""
    taken = set(_FIXED_NAMES)
    for field, deployments in (("chats", arguments.chats), ("voices", arguments.voices)):
        own = [deployment.name for deployment in deployments]
        if len(set(own)) < len(own):
            yield f"{field}: duplicate names: {', '.join(own)}; give each its own name"
        elif used := [name for name in own if name in taken]:
            yield f"{field}: another deployment is called {', '.join(used)}; choose another name"
        taken.update(own)
    for number, chat in enumerate(arguments.chats):
        if chat.name in _ROUTE_WORDS or (chat.name == "vllm" and number):
            yield f"chats.{number}.name: {chat.name} is the name of another route; choose another name"
