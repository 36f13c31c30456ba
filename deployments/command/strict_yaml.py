"""YAML as people mean it: a key that stands twice in one mapping is a slip, not a replacement."""

import yaml


class DuplicateKey(Exception):
    """A key stands twice; the message names it, both places and what to do."""


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        first: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            line = key.start_mark.line + 1
            if key.value in first:
                raise DuplicateKey(
                    f"line {line}: {key.value!r} stands there twice, first in line {first[key.value]}; keep one"
                )
            first[key.value] = line
        return super().construct_mapping(node, deep)


def read_yaml(text: str) -> object:
    """What the one document in ``text`` says. Raises yaml.YAMLError and RepeatedKey."""
    return yaml.load(text, _Loader)  # noqa: S506 - a subclass of SafeLoader
