"""A strict subset of YAML: no repeated keys, no aliases (a small file could expand to a very large one), no tags.

Plain scalars are read as in YAML 1.2: `on` and `no` are words, and 010000 is a region code and not a number.
"""

import re
from typing import Any, cast

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from shared.rejection import reject

_MAP, _SEQ, _STR = "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:str"
_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE, _FALSE = re.compile(r"true|True|TRUE"), re.compile(r"false|False|FALSE")
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")

DEEPEST = 20
"""Levels of nesting."""


class _Refused(Exception):
    def __init__(self, code: str, at: Any) -> None:
        super().__init__(code)
        self.code = code
        self.line: int = at.start_mark.line + 1


def load(text: str) -> Any:
    """The value of a YAML document. Raises Rejected with the line: `yaml_unreadable`, `yaml_key_twice`, `yaml_not_plain`."""
    try:
        _check_events(text)
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
        return None if node is None else _value(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise reject("yaml_unreadable", "file", line=mark.line + 1 if mark else 1) from error
    except yaml.YAMLError as error:
        raise reject("yaml_unreadable", "file", line=1) from error
    except _Refused as refused:
        raise reject(refused.code, "file", line=refused.line) from None


def _check_events(text: str) -> None:
    """Refuse aliases and deep nesting, before any value is built."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > DEEPEST:
            raise _Refused("yaml_not_plain", event)


def _value(node: Node) -> Any:
    if isinstance(node, MappingNode):
        return _mapping(node)
    if isinstance(node, SequenceNode) and node.tag == _SEQ:
        return [_value(child) for child in node.value]
    if isinstance(node, ScalarNode) and node.tag.startswith("tag:yaml.org,2002:"):
        return _scalar(node)
    raise _Refused("yaml_not_plain", node)


def _mapping(node: MappingNode) -> dict[str, Any]:
    if node.tag != _MAP:
        raise _Refused("yaml_not_plain", node)
    found: dict[str, Any] = {}
    for key, value in cast("list[tuple[Node, Node]]", node.value):
        if not isinstance(key, ScalarNode):
            raise _Refused("yaml_not_plain", key)
        if key.value in found:
            raise _Refused("yaml_key_twice", key)
        found[key.value] = _value(value)
    return found


def _scalar(node: ScalarNode) -> Any:
    """A quoted scalar is text. A plain one may be null, a boolean or an integer. Dates stay text and are parsed later."""
    text: str = node.value
    if node.style:
        return text
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text):
        return True
    if _FALSE.fullmatch(text):
        return False
    return int(text) if _WHOLE.fullmatch(text) else text
