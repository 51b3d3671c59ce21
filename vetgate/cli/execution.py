"""How models are run, as flags and variables say it: `provider=XNNPACK`, `threads=4`, `options.NAME=VALUE`."""

from __future__ import annotations

from collections.abc import Iterable

from vetgate.documents import suggest
from vetgate.domain.deployment import ExecutionOptions
from vetgate.domain.errors import UsageError

SETTINGS = ("execution", "reference_execution", "latency_reference_execution")
"""The settings that say it."""
_INNER = "options"


def read_execution(texts: Iterable[str], told: str) -> dict[str, object]:
    """Return what texts `NAME=VALUE` ask for, as a mapping that the settings take.

    Args:
        texts: One for each option.
        told: The flag or variable, for messages.

    Raises:
        UsageError: One is of another form, or names what cannot be asked for, or an option comes twice.
    """
    plain = [name for name in ExecutionOptions.model_fields if name != _INNER]
    asked: dict[str, object] = {}
    options: dict[str, int | float | str] = {}
    for text in texts:
        name, equals, value = text.strip().partition("=")
        first, dot, inner = name.partition(".")
        if not equals or not value:
            raise UsageError(f"{told} {text}: it is not of the form NAME=VALUE", hint=f"NAME is {_names(plain)}")
        if name in asked or inner in options:
            raise UsageError(f"{told} {text}: {name} is given twice")
        if dot and first == _INNER and inner:
            options[inner] = _number(value)
        elif name in plain:
            asked[name] = value
        else:
            raise UsageError(
                f"{told} {text}: there is no execution option {name!r}{suggest(name, plain)}",
                hint=f"NAME is {_names(plain)}",
            )
    return asked | ({_INNER: options} if options else {})


def _names(plain: list[str]) -> str:
    return f"{', '.join(plain)}, or {_INNER}.NAME for an option of the backend"


def _number(text: str) -> int | float | str:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text
