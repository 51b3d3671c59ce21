"""What an unpickler would hold while it runs a pickle, without running it.

Each value is replaced by what it is: a text, a number, an imported name, the result of a call. Thus an import whose
name travels through the memo, a call of something that another call made, or items set on what is no dict are seen as
the unpickler would see them, whatever order the bytes stand in. Time and memory grow with the number of instructions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from vetgate.api import RuleSpec
from vetgate_scan import pickle_rules as rules
from vetgate_scan.allowed import Global, Standing, element_size
from vetgate_scan.arguments import oddity
from vetgate_scan.log import Log, shown

MOST_SKIPPED_MEMO = 1_000_000
"""Picklers number memo entries one by one; a huge number makes the unpickler allocate a table of that size."""


class Thing(Enum):
    """A value of which nothing but the kind matters."""

    LIST = "a list"
    DICT = "a dict"
    SET = "a set"
    DATA = "plain data"
    STORAGE = "a tensor storage"
    UNKNOWN = "an unknown object"


@dataclass(frozen=True, slots=True)
class Made:
    """The result of calling an imported name, or of something unknown."""

    by: Global | None


@dataclass(frozen=True, slots=True)
class Storage:
    """What a persistent id says of a tensor's storage."""

    kind: Global
    key: str
    elements: int


@dataclass
class Followed:
    """What became of one pickle."""

    end: int = 0
    """The byte after its STOP, or where it broke off."""
    stopped: bool = False
    is_cut_off: bool = False
    """Whether the bytes end before it does."""
    imports: list[Global] = field(default_factory=list)
    calls: int = 0
    storages: list[Storage] = field(default_factory=list)
    result: object = None


class Machine:
    """The stack and memo of an unpickler, and what was seen so far."""

    def __init__(
        self, log: Log, where: str, judge: Callable[[Global], Standing], *, start: int, storages: bool
    ) -> None:
        """Begin at byte `start`; `storages` tells whether references to tensor storages are expected."""
        self.log, self.where, self.judge, self.storages = log, where, judge, storages
        self.stack: list[object] = []
        self.marks: list[int] = []
        self.memo: dict[int, object] = {}
        self.seen = Followed()
        self.at = self.start = start

    def found(self, rule: RuleSpec, message: str) -> None:
        """Note a finding at the present byte."""
        self.log.found(rule, message, f"{self.where}, byte {self.at}")

    def pop(self) -> object:
        """Take the top value.

        Raises:
            IndexError: There is none above the last mark.
        """
        if self.marks and len(self.stack) <= self.marks[-1]:
            raise IndexError
        return self.stack.pop()

    def pop_mark(self) -> list[object]:
        """Take all values above the last mark."""
        place = self.marks.pop()
        values = self.stack[place:]
        del self.stack[place:]
        return values

    def top(self) -> object:
        """Return the top value."""
        if self.marks and len(self.stack) <= self.marks[-1]:
            raise IndexError
        return self.stack[-1]

    def imports(self, imported: Global) -> Global:
        """Note an import and judge it."""
        if len(self.seen.imports) < 1000:
            self.seen.imports.append(imported)
        verdict = self.judge(imported)
        name = shown(str(imported))
        if verdict is Standing.DANGEROUS:
            self.found(rules.DANGEROUS_IMPORT, f"the pickle imports {name}, which can run code or open files")
        elif verdict is Standing.UNKNOWN:
            self.found(rules.UNKNOWN_IMPORT, f"the pickle imports {name}, which is not on the list of what is allowed")
        return imported

    def call(self, called: object, arguments: object) -> Made:
        """Note a call and judge it."""
        self.seen.calls += 1
        if not isinstance(called, Global):
            what = f"what {called.by} made" if isinstance(called, Made) and called.by else kind_of(called)
            self.found(rules.CALLS_OBJECT, f"the pickle calls {shown(what)}")
            return Made(None)
        verdict = self.judge(called)
        if verdict is Standing.VALUE:
            self.found(rules.CALLS_OBJECT, f"the pickle calls {called}, which is only ever handed on")
        elif verdict is Standing.CALL and (odd := oddity(called, arguments, self.judge)):
            self.found(rules.CALLS_OBJECT, f"the pickle calls {called} {odd}")
        return Made(called)

    def remember(self, index: int) -> None:
        """Put the top value into the memo."""
        if not 0 <= index <= MOST_SKIPPED_MEMO + len(self.memo):
            self.found(rules.NO_PICKLER, f"the pickle stores memo entry {index}, which takes memory for all below it")
        self.memo[index] = self.top()

    def recall(self, index: int) -> None:
        """Push a value of the memo."""
        if index not in self.memo:
            self.found(rules.NO_PICKLER, f"the pickle takes memo entry {index}, which it never stored")
        self.stack.append(self.memo.get(index, Thing.UNKNOWN))

    def refer(self, reference: object) -> None:
        """Judge a persistent id."""
        found = _storage(reference) if self.storages else None
        if found is None:
            self.found(rules.PERSISTENT_ID, "the pickle refers to an object outside of itself that is no storage")
        else:
            self.seen.storages.append(found)
        self.stack.append(Thing.STORAGE if found else Thing.UNKNOWN)


def kind_of(value: object) -> str:
    """Return what a value is, for people."""
    if isinstance(value, Thing):
        return value.value
    return f"a {type(value).__name__}" if isinstance(value, (str, int, tuple)) else "an object that it built"


def _storage(reference: object) -> Storage | None:
    if not isinstance(reference, tuple) or len(reference) not in (5, 6) or reference[0] != "storage":
        return None
    kind, key, location, elements = reference[1:5]
    if not isinstance(kind, Global) or element_size(kind) is None:
        return None
    if not isinstance(key, str) or not isinstance(location, str) or type(elements) is not int:
        return None
    return Storage(kind, key, elements) if elements >= 0 else None
