"""Check the graph of an exported program for texts that PyTorch executes.

`torch.export.load` hands symbolic sizes to sympy's `eval`, looks operators up anywhere below `torch` and calls them,
pastes names and guards into source code that it executes, and imports modules that the call signature names. So every
text must be what its place needs: an identifier, arithmetic on symbols, an operator of a tensor library. The backend
for PyTorch rebuilds the graph by the same rules when it opens it, and asks besides whether each operator exists.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

from vetgate.api import RuleSpec
from vetgate_scan import torch_rules as rules
from vetgate_scan.log import shown

MOST_DEPTH = 200
_IDENTIFIER = re.compile(r"([A-Za-z_]\w{0,999})?", re.ASCII)
_DOTTED = re.compile(r"[\w.\-]{0,1000}", re.ASCII)
_PLAIN = re.compile(r"[\w .,:;+\-*/>()]{0,1000}", re.ASCII)
_NUMBER = re.compile(r"-?Infinity|-?inf|NaN|nan")
_OPERATOR = re.compile(
    r"torch\.ops\.(aten|prims|quantized|quantized_decomposed|torchvision)\.(_?[A-Za-z]\w*)\.(_?[A-Za-z]\w*)", re.ASCII
)
_FILES = re.compile(r"from_file|save|load|record|rpc|print|warn")
"""Operators of those libraries that reach outside of the tensors they are given."""
_SCALAR = re.compile(
    r"_operator\.(eq|ne|le|ge|lt|gt|neg|pos|mul|add|sub|floordiv|mod|pow|truediv|and_|or_|lshift|rshift|getitem)"
    r"|math\.(trunc|ceil|floor)|torch\.sym_(not|int|float|ite|max|min|sqrt)"
    r"|torch\.ops\.higher_order\.wrap_with_(set_grad_enabled|autocast)"
)
_TREES = frozenset({"builtins.tuple", "builtins.list", "builtins.dict", "collections.OrderedDict"})
_UNREAD = frozenset({"metadata", "treespec_namedtuple_fields", "torch_version", "verifiers"})
"""Where texts are only looked up or shown; the backend drops them."""
_OBJECTS = frozenset({"as_custom_obj", "custom_obj", "constant_input"})
_ALLOWED = {
    **dict.fromkeys(("as_string", "as_strings"), _PLAIN),
    **dict.fromkeys(("as_float", "as_floats"), _NUMBER),
    **dict.fromkeys(("parameter_name", "buffer_name", "tensor_constant_name", "fqn"), _DOTTED),
}
_FUNCTION = re.compile(
    r"Symbol|Integer|Float|Rational|Add|Mul|Pow|Max|Min|Eq|Ne|Lt|Le|Gt|Ge|And|Or|Not|Abs|FloorDiv|ModularIndexing|Where"
    r"|PythonMod|Mod|CleanDiv|CeilToInt|FloorToInt|CeilDiv|LShift|RShift|PowByNatural|FloatPow|FloatTrueDiv|IntTrueDiv"
    r"|IsNonOverlappingAndDenseIndicator|TruncToFloat|TruncToInt|RoundToInt|RoundDecimal|ToFloat|Identity"
)
_SYMBOL = re.compile(r"z?[su]f?\d{1,9}")
_GUARD_CALLED = frozenset({"size", "stride", "storage_offset", "numel", "dim", "len", "abs", "max", "min", "math"})
_CHECKED = frozenset({"expr_str", "guards_code", "target", "as_operator", "in_spec", "out_spec"})
"""Texts that have a check of their own."""
_LONGEST = 10_000
_ARITHMETIC = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
    ast.Load, ast.keyword,
)  # fmt: skip

Offence = tuple[RuleSpec, str]


def offences(program: dict[str, Any]) -> Iterator[Offence]:
    """Yield what is wrong with a graph."""
    if not isinstance(program.get("graph_module"), dict):
        yield rules.EXPORT_LAYOUT, "the JSON is no exported program"
        return
    yield from _walk(program, "", 0)


def _walk(value: object, key: str, depth: int) -> Iterator[Offence]:
    if key in _UNREAD:
        return
    if depth > MOST_DEPTH:
        yield rules.EXPORT_LAYOUT, "the graph is nested too deeply"
    elif isinstance(value, dict):
        for name, entry in value.items():
            yield from _name(name, entry)
            yield from _walk(entry, name, depth + 1)
    elif isinstance(value, list):
        for entry in value:
            yield from _walk(entry, key, depth + 1)
    elif isinstance(value, str):
        yield from _text(value, key)


def _name(name: str, entry: object) -> Iterator[Offence]:
    if name in _OBJECTS and entry is not None:
        yield rules.EXPORT_OBJECT, f"the graph holds a {name}, which is no tensor"
    if not _IDENTIFIER.fullmatch(name):
        yield rules.EXPORT_TEXT, f"the graph names a value {shown(name)!r}, which is no identifier"


def _text(value: str, key: str) -> Iterator[Offence]:
    told = shown(value)
    if key == "expr_str" and not _is_size(value):
        yield rules.EXPORT_TEXT, f"the graph holds the size {told!r}, which is no arithmetic"
    elif key == "guards_code" and not _is_guard(value):
        yield rules.EXPORT_TEXT, f"the graph holds the guard {told!r}, which is no comparison of sizes"
    elif key in ("target", "as_operator") and not _is_operator(value):
        yield rules.EXPORT_CALL, f"the graph calls {told!r}, which is no operator on tensors"
    elif key in ("in_spec", "out_spec") and not _is_tree(value):
        yield rules.EXPORT_TEXT, "the call signature holds more than tuples, lists, dicts and names"
    elif key not in _CHECKED and not _ALLOWED.get(key, _IDENTIFIER).fullmatch(value):
        yield rules.EXPORT_TEXT, f"the graph holds the text {told!r} under {shown(key)!r}"


def _is_operator(name: str) -> bool:
    found = _OPERATOR.fullmatch(name)
    return _SCALAR.fullmatch(name) is not None or (found is not None and not _FILES.search(found[2]))


def _parsed(text: str) -> list[ast.AST]:
    """Return the nodes of an expression, a lone statement where it is none."""
    try:
        return list(ast.walk(ast.parse(text, mode="eval"))) if len(text) <= _LONGEST else [ast.Pass()]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return [ast.Pass()]


def _is_size(text: str) -> bool:
    nodes = _parsed(text)
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    return all(isinstance(node, _ARITHMETIC) or _is_part(node, called) for node in nodes)


def _is_part(node: ast.AST, called: set[int]) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name)
    if isinstance(node, ast.Name):
        return (_FUNCTION if id(node) in called else _SYMBOL).fullmatch(node.id) is not None
    if isinstance(node, ast.Constant):
        is_symbol = isinstance(node.value, str) and re.fullmatch(r"\w{1,40}", node.value, re.ASCII) is not None
        return is_symbol or isinstance(node.value, (bool, int, float))
    return False


def _is_guard(text: str) -> bool:
    """Return whether it compares sizes: L['x'].size()[0] % 2 == 0."""
    nodes = _parsed(text)
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    return all(isinstance(node, (*_ARITHMETIC, ast.Subscript)) or _is_guard_part(node, called) for node in nodes)


def _is_guard_part(node: ast.AST, called: set[int]) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, (ast.Name, ast.Attribute))
    if isinstance(node, ast.Attribute):
        return node.attr in _GUARD_CALLED or (node.attr == "shape" and id(node) not in called)
    if isinstance(node, ast.Name):
        return node.id in _GUARD_CALLED or (node.id == "L" and id(node) not in called)
    return isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, (str, bool, int, float)))


def _is_tree(text: str) -> bool:
    try:
        version, tree = json.loads(text)
        return version == 1 and _is_branch(tree, 0)
    except (ValueError, TypeError, RecursionError):
        return False


def _is_branch(tree: object, depth: int) -> bool:
    if not isinstance(tree, dict) or set(tree) != {"type", "context", "children_spec"} or depth > MOST_DEPTH:
        return False
    if tree["type"] is not None and tree["type"] not in _TREES:
        return False
    context = json.loads(tree["context"]) if tree["context"] is not None else None
    is_plain = context is None or (
        isinstance(context, list)
        and all(isinstance(entry, int) or (isinstance(entry, str) and _DOTTED.fullmatch(entry)) for entry in context)
    )
    return is_plain and all(_is_branch(child, depth + 1) for child in tree["children_spec"])
