"""A person's click: one function of the bundle's tools.py, its result as the end of this cell."""

import inspect
import json
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

import silo


def do_click(tool: str, arguments: Mapping[str, silo.Scalar]) -> None:
    """Runs `tool` with `arguments` and completes with what it returned, or with why it was refused.

    The field `end` is `done` or `refused`, as for a call; a refusal's `code` is the membrane's, or TOOL_UNKNOWN or
    ARGUMENT_INVALID where the click itself cannot be done.
    """
    function = _tools_of(import_module("tools")).get(tool)
    if function is None:
        return _refuse("TOOL_UNKNOWN", f"There is no tool {tool}.")
    try:
        inspect.signature(function).bind(**arguments)
    except TypeError as error:
        return _refuse("ARGUMENT_INVALID", f"{tool}: {error}.")
    try:
        result = function(**arguments)
    except silo.Refused as refusal:
        return _refuse(refusal.code, refusal.message)
    text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
    return silo.complete(text, end="done")


def _tools_of(module: ModuleType) -> dict[str, Callable[..., Any]]:
    """The public functions that tools.py itself defines: what it imports is not for clicking."""
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
    }


def _refuse(code: str, message: str) -> None:
    silo.complete(message, end="refused", code=code)
