"""Remembers which methods take arguments. NiceGUI inspects the signature of three change handlers for each element,
which are always the same three methods; that is a third of the time in which a page is built."""

from collections.abc import Callable
from functools import lru_cache
from types import FunctionType, MethodType
from typing import Any

from nicegui import helpers

_inspect = helpers.expects_arguments


def remember_handler_signatures() -> None:
    helpers.expects_arguments = expects_arguments


def expects_arguments(func: Callable[..., Any]) -> bool:
    """NiceGUI's function, which inspects each method of a class once."""
    if isinstance(func, MethodType) and isinstance(func.__func__, FunctionType):
        return _method_expects_arguments(func.__func__)
    return _inspect(func)


@lru_cache(maxsize=4096)
def _method_expects_arguments(function: FunctionType) -> bool:
    return _inspect(MethodType(function, object()))
