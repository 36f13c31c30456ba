"""Decides which parameters of a turn a provider gets: each one is sent or refused, never dropped.

Defaults of the installation (``GenerationOptions.defaulted``) are sent where the provider has the parameter.
"""

from typing import Any

from deployments.contracts.chat import ChatTurn, GenerationOptions
from deployments.contracts.provider_errors import NotSupported
from deployments.contracts.provider_kinds import ProviderKind
from deployments.contracts.sampling import Sampling
from deployments.engines.chat.turn_checks import parse_schema
from deployments.engines.cloud.litellm_library import LiteLlmModel
from deployments.engines.cloud.messages import request_tools

_SAMPLING = (
    "max_tokens",
    "temperature",
    "top_p",
    "repetition_penalty",
    "frequency_penalty",
    "presence_penalty",
    "seed",
)


class ParameterRules:
    """The rules of one provider. ``defaults`` are the parameters of the provider itself; they count as explicit."""

    def __init__(self, name: str, model_name: str, kind: ProviderKind, defaults: Sampling) -> None:
        self._name = name
        self._model_name = model_name
        self._kind = kind
        self._defaults = defaults.options

    def check(self, turn: ChatTurn) -> None:
        """Raises NotSupported for what the kind of provider lacks, whatever the model."""
        options, explicit = self._options(turn.options)
        for name in explicit:
            if name not in self._kind.parameters:
                raise self._refusal(name)
        temperature = options.temperature
        if "temperature" in explicit and temperature is not None and temperature > self._kind.max_temperature:
            raise NotSupported(
                f"{self._name} takes a temperature of at most {self._kind.max_temperature:g}", param="temperature"
            )
        self._check_format(options)
        if turn.tools is not None:
            if not self._kind.tools:
                raise NotSupported(f"{self._name} does not call tools", param="tools")
            if turn.tools.parallel is False and not self._kind.sequential_tools:
                raise self._refusal("parallel_tool_calls")
            request_tools(turn.tools)

    def parameters(self, turn: ChatTurn, model: LiteLlmModel) -> tuple[dict[str, Any], dict[str, Any]]:
        """The parameters of OpenAI's API, and fields of the body that only this kind of provider has. Raises
        NotSupported for what the model lacks."""
        options, explicit = self._options(turn.options)
        parameters, extra = self._sampling(options, explicit, model)
        if options.stop:
            parameters["stop"] = list(options.stop)
        if options.json_schema is not None:
            parameters["response_format"] = _response_format(options.json_schema, options.json_strict)
        if turn.tools is not None and turn.tools.parallel is False:
            parameters["parallel_tool_calls"] = False
        for name, value in parameters.items():
            if not model.accepts(name, value):
                raise self._refusal(name)
        return parameters | (request_tools(turn.tools) if turn.tools is not None else {}), extra

    def _sampling(
        self, options: GenerationOptions, explicit: frozenset[str], model: LiteLlmModel
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        parameters: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        for name in _SAMPLING:
            value = getattr(options, name)
            if value is None or not self._is_sent(name, explicit, parameters):
                continue
            if name == "temperature":
                value = min(value, self._kind.max_temperature)
            if name in self._kind.extra_names:
                extra |= dict.fromkeys(self._kind.extra_names[name], value)
            elif name in explicit or model.accepts(name, value):
                parameters[name] = value
        return parameters, extra

    def _options(self, given: GenerationOptions) -> tuple[GenerationOptions, frozenset[str]]:
        """The options with those of the provider, and the names of those that are not defaults."""
        values = {name: getattr(given, name) for name in _SAMPLING}
        explicit = {name for name, value in values.items() if value is not None and name not in given.defaulted}
        for name in _SAMPLING:
            own = getattr(self._defaults, name)
            if own is not None and name not in explicit:
                values[name] = own
                explicit.add(name)
        return GenerationOptions(
            **values, stop=given.stop, json_schema=given.json_schema, json_strict=given.json_strict
        ), frozenset(explicit)

    def _is_sent(self, name: str, explicit: frozenset[str], sent: dict[str, Any]) -> bool:
        """An explicit parameter always; a default where the provider documents it and no rival was sent."""
        if name in explicit:
            return True
        rivals = self._kind.one_of - {name} if name in self._kind.one_of else frozenset()
        is_known = name in self._kind.parameters and name not in self._kind.explicit_only
        return is_known and not rivals & (explicit | sent.keys())

    def _check_format(self, options: GenerationOptions) -> None:
        if options.json_schema is None:
            return
        schema = parse_schema(options.json_schema)
        if self._kind.json == "none" or (schema and self._kind.json == "object"):
            known = "it only knows json_object" if self._kind.json == "object" else "it has no JSON output"
            raise NotSupported(f"{self._name} cannot follow a JSON schema: {known}", param="response_format")

    def _refusal(self, name: str) -> NotSupported:
        return NotSupported(f"{self._name} ({self._model_name}) does not have the parameter {name}", param=name)


def _response_format(schema_text: str, strict: bool) -> dict[str, Any]:
    schema = parse_schema(schema_text)
    if not schema:
        return {"type": "json_object"}
    described: dict[str, Any] = {"name": "answer", "schema": schema}
    return {"type": "json_schema", "json_schema": described | ({"strict": True} if strict else {})}
