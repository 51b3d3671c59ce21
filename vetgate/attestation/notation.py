"""JSON that means one thing only, read without trust in who wrote it."""

from __future__ import annotations

import json
from typing import Any, NoReturn, TypeVar

from pydantic import ValidationError

from vetgate.domain.errors import Refused
from vetgate.domain.record import Record

RecordT = TypeVar("RecordT", bound=Record)


def read_object(content: bytes, what: str, cause: str) -> dict[str, Any]:
    """Return the JSON object that bytes hold.

    Args:
        content: UTF-8.
        what: What messages call it.
        cause: Of the refusal.

    Raises:
        Refused: It is no JSON object, holds a key twice, a number that is none, or nests too deep.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise Refused(cause, f"{what} holds the key {twice[:80]!a} twice, so it could be read in two ways")
        return found

    def no_number(text: str) -> NoReturn:
        raise Refused(cause, f"{what} holds {text}, which is no number")

    try:
        found = json.loads(content.decode("utf-8"), object_pairs_hook=once, parse_constant=no_number)
    except (ValueError, RecursionError) as error:
        raise Refused(cause, f"{what} is no JSON: {_reason(error)}") from None
    if not isinstance(found, dict):
        raise Refused(cause, f"{what} is no JSON object")
    return found


def as_record(data: dict[str, Any], record: type[RecordT], what: str, cause: str) -> RecordT:
    """Return parsed JSON as a record.

    Raises:
        Refused: A key is missing or unknown, or a value is of the wrong kind; the first is named.
    """
    try:
        return record.model_validate_json(json.dumps(data))  # strict on what only JSON tells apart
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part)[:60] for part in first["loc"]) or "the whole"
        raise Refused(cause, f"{what} is malformed at {key!a}: {first['msg'][:200]}") from None
    except (ValueError, RecursionError) as error:
        raise Refused(cause, f"{what} is malformed: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    return ascii(str(error))[1:-1][:200] or type(error).__name__
