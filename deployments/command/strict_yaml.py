"""Reads YAML and refuses a key that appears twice in one mapping."""

import yaml


class DuplicateKey(Exception):
    """A key appears twice in a mapping; the message names the key and both lines."""


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        first: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            line = key.start_mark.line + 1
            if key.value in first:
                raise DuplicateKey(
                    f"line {line}: {key.value!r} appears twice, first in line {first[key.value]}; keep one"
                )
            first[key.value] = line
        return super().construct_mapping(node, deep)


def read_yaml(text: str) -> object:
    """The value of the document in ``text``. Raises yaml.YAMLError and RepeatedKey."""
    return yaml.load(text, _Loader)  # noqa: S506 - a subclass of SafeLoader
