"""What each instruction of a pickle does to what the unpickler holds."""

from __future__ import annotations

from collections.abc import Callable

from vetgate_scan import pickle_rules as rules
from vetgate_scan.allowed import Global
from vetgate_scan.arguments import odd_state
from vetgate_scan.log import shown
from vetgate_scan.machine import Machine, Made, Thing, kind_of
from vetgate_scan.opcode import NEWEST_PROTOCOL, Instruction, Malformed


def _push(value: object) -> Callable[[Machine, Instruction], None]:
    def step(machine: Machine, instruction: Instruction) -> None:
        machine.stack.append(value)

    return step


def _number(machine: Machine, instruction: Instruction) -> None:
    machine.stack.append(instruction.argument)


def _written_number(machine: Machine, instruction: Instruction) -> None:
    text = instruction.argument
    assert isinstance(text, bytes)  # noqa: S101  # a line
    digits = text.removesuffix(b"L")
    machine.stack.append(int(digits) if len(digits) <= 40 else Thing.DATA)


def _long(machine: Machine, instruction: Instruction) -> None:
    raw = instruction.argument
    machine.stack.append(int.from_bytes(raw, "little", signed=True) if isinstance(raw, bytes) else Thing.DATA)


def _text(machine: Machine, instruction: Instruction) -> None:
    raw = instruction.argument
    machine.stack.append(raw.decode("utf-8", "surrogatepass") if isinstance(raw, bytes) else Thing.DATA)


def _old_text(machine: Machine, instruction: Instruction) -> None:
    raw = instruction.argument
    machine.stack.append(raw.decode("latin-1") if isinstance(raw, bytes) else Thing.DATA)


def _quoted(machine: Machine, instruction: Instruction) -> None:
    raw = instruction.argument
    assert isinstance(raw, bytes)  # noqa: S101  # a line
    raw = raw.strip()
    if len(raw) < 2 or raw[:1] != raw[-1:] or raw[:1] not in (b"'", b'"'):
        raise Malformed("a text in it is not quoted")
    inner = raw[1:-1]
    machine.stack.append(inner.decode("latin-1") if b"\\" not in inner else Thing.UNKNOWN)


def _escaped(machine: Machine, instruction: Instruction) -> None:
    raw = instruction.argument
    assert isinstance(raw, bytes)  # noqa: S101  # a line
    machine.stack.append(raw.decode("raw-unicode-escape"))


def _global(machine: Machine, instruction: Instruction) -> None:
    machine.stack.append(machine.imports(_named(instruction)))


def _named(instruction: Instruction) -> Global:
    lines = instruction.argument
    assert isinstance(lines, tuple)  # noqa: S101  # two lines
    return Global(lines[0].decode(), lines[1].decode())


def _stack_global(machine: Machine, instruction: Instruction) -> None:
    name, module = machine.pop(), machine.pop()
    if isinstance(name, str) and isinstance(module, str):
        machine.stack.append(machine.imports(Global(module, name)))
        return
    machine.seen.imports.append(Global("?", "?"))
    machine.found(rules.COMPUTED_IMPORT, "the pickle imports a name that is not written in it as a text")
    machine.stack.append(Thing.UNKNOWN)


def _extension(machine: Machine, instruction: Instruction) -> None:
    machine.seen.imports.append(Global("?", "?"))
    machine.found(rules.EXTENSION, f"the pickle imports number {instruction.argument} of the extension registry")
    machine.stack.append(Thing.UNKNOWN)


def _reduce(machine: Machine, instruction: Instruction) -> None:
    arguments, called = machine.pop(), machine.pop()
    machine.stack.append(machine.call(called, arguments))


def _new_with_names(machine: Machine, instruction: Instruction) -> None:
    named, arguments, called = machine.pop(), machine.pop(), machine.pop()
    if named is not Thing.DICT:
        machine.found(rules.NO_PICKLER, "the pickle calls with named arguments that are no dict")
    machine.stack.append(machine.call(called, arguments))


def _inst(machine: Machine, instruction: Instruction) -> None:
    machine.found(rules.OBSOLETE, "the pickle uses INST")
    arguments = tuple(machine.pop_mark())
    machine.stack.append(machine.call(machine.imports(_named(instruction)), arguments))


def _obj(machine: Machine, instruction: Instruction) -> None:
    machine.found(rules.OBSOLETE, "the pickle uses OBJ")
    called, *arguments = machine.pop_mark()
    machine.stack.append(machine.call(called, tuple(arguments)))


def _build(machine: Machine, instruction: Instruction) -> None:
    state, target = machine.pop(), machine.top()
    if isinstance(target, Made) and (odd := odd_state(target.by, state)):
        machine.found(rules.CALLS_OBJECT, f"the pickle makes a {target.by} that {odd}")
    elif isinstance(target, Global):
        machine.found(rules.BUILDS_GLOBAL, f"the pickle changes attributes of {shown(str(target))} itself")
    elif not isinstance(target, Made):
        machine.found(rules.NO_PICKLER, f"the pickle sets the state of {kind_of(target)}")


_DICTS = frozenset({"OrderedDict", "Counter", "defaultdict", "dict", "restore_type_tag"})
_LISTS = frozenset({"deque", "list", "restore_type_tag"})


def _made_by(value: object, names: frozenset[str]) -> bool:
    return isinstance(value, Made) and value.by is not None and value.by.name in names


def _appends(machine: Machine, count: int | None) -> None:
    _ = machine.pop_mark() if count is None else machine.pop()
    target = machine.top()
    if target is not Thing.LIST and not _made_by(target, _LISTS):
        machine.found(rules.NO_PICKLER, f"the pickle appends to {kind_of(target)}, which is no list")


def _set_items(machine: Machine, count: int | None) -> None:
    values = machine.pop_mark() if count is None else [machine.pop(), machine.pop()]
    target = machine.top()
    if len(values) % 2:
        machine.found(rules.NO_PICKLER, "the pickle sets a key without a value")
    if target is not Thing.DICT and not _made_by(target, _DICTS):
        machine.found(rules.NO_PICKLER, f"the pickle sets items of {kind_of(target)}, which is no dict")


def _add_items(machine: Machine, instruction: Instruction) -> None:
    machine.pop_mark()
    if machine.top() is not Thing.SET:
        machine.found(rules.NO_PICKLER, f"the pickle adds to {kind_of(machine.top())}, which is no set")


def _tuple(count: int) -> Callable[[Machine, Instruction], None]:
    def step(machine: Machine, instruction: Instruction) -> None:
        values = [machine.pop() for _ in range(count)]
        machine.stack.append(tuple(reversed(values)))

    return step


def _gathered(make: Callable[[list[object]], object]) -> Callable[[Machine, Instruction], None]:
    def step(machine: Machine, instruction: Instruction) -> None:
        values = machine.pop_mark()
        machine.stack.append(make(values))

    return step


def _index(instruction: Instruction) -> int:
    argument = instruction.argument
    if isinstance(argument, bytes):
        if len(argument) > 20:
            raise Malformed("a memo number in it is too long")
        return int(argument)
    assert isinstance(argument, int)  # noqa: S101  # of the table of numbers
    return argument


def _stop(machine: Machine, instruction: Instruction) -> None:
    machine.seen.result = machine.pop()
    machine.seen.stopped = True
    if machine.stack or machine.marks:
        machine.found(rules.NO_PICKLER, "the pickle ends with values left over")


def _pop(machine: Machine, instruction: Instruction) -> None:
    if machine.marks and len(machine.stack) == machine.marks[-1]:
        machine.marks.pop()
    else:
        machine.stack.pop()


def _protocol(machine: Machine, instruction: Instruction) -> None:
    version = instruction.argument
    if not isinstance(version, int) or version > NEWEST_PROTOCOL:
        raise Malformed(f"protocol {version} is unknown")
    if instruction.at != machine.start:
        machine.found(rules.NO_PICKLER, "the pickle states its protocol in the middle")


_NOTHING: Callable[[Machine, Instruction], None] = lambda machine, instruction: None  # noqa: E731
STEPS: dict[str, Callable[[Machine, Instruction], None]] = {
    "PROTO": _protocol,
    "STOP": _stop,
    "FRAME": _NOTHING,
    "READONLY_BUFFER": _NOTHING,
    "MARK": lambda machine, _: machine.marks.append(len(machine.stack)),
    "POP": _pop,
    "POP_MARK": lambda machine, _: machine.pop_mark().clear(),
    "DUP": lambda machine, _: machine.stack.append(machine.top()),
    "NONE": _push(None),
    "NEWTRUE": _push(True),
    "NEWFALSE": _push(False),
    "INT": _written_number,
    "LONG": _written_number,
    **dict.fromkeys(("BININT", "BININT1", "BININT2"), _number),
    **dict.fromkeys(("LONG1", "LONG4"), _long),
    **dict.fromkeys(("FLOAT", "BINFLOAT", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"), _push(Thing.DATA)),
    "NEXT_BUFFER": _push(Thing.UNKNOWN),
    "STRING": _quoted,
    "UNICODE": _escaped,
    **dict.fromkeys(("BINSTRING", "SHORT_BINSTRING"), _old_text),
    **dict.fromkeys(("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"), _text),
    "EMPTY_LIST": _push(Thing.LIST),
    "EMPTY_DICT": _push(Thing.DICT),
    "EMPTY_SET": _push(Thing.SET),
    "EMPTY_TUPLE": _push(()),
    "LIST": _gathered(lambda values: Thing.LIST),
    "DICT": _gathered(lambda values: Thing.DICT),
    "FROZENSET": _gathered(lambda values: Thing.DATA),
    "TUPLE": _gathered(tuple),
    "TUPLE1": _tuple(1),
    "TUPLE2": _tuple(2),
    "TUPLE3": _tuple(3),
    "APPEND": lambda machine, _: _appends(machine, 1),
    "APPENDS": lambda machine, _: _appends(machine, None),
    "SETITEM": lambda machine, _: _set_items(machine, 1),
    "SETITEMS": lambda machine, _: _set_items(machine, None),
    "ADDITEMS": _add_items,
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    **dict.fromkeys(("EXT1", "EXT2", "EXT4"), _extension),
    "REDUCE": _reduce,
    "NEWOBJ": _reduce,
    "NEWOBJ_EX": _new_with_names,
    "INST": _inst,
    "OBJ": _obj,
    "BUILD": _build,
    "BINPERSID": lambda machine, _: machine.refer(machine.pop()),
    "PERSID": lambda machine, instruction: machine.refer(instruction.argument),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), lambda machine, told: machine.remember(_index(told))),
    "MEMOIZE": lambda machine, _: machine.remember(len(machine.memo)),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), lambda machine, told: machine.recall(_index(told))),
}
