# ruff: noqa: ANN401  # JSON of any shape
"""Check the graph of an exported program before PyTorch turns it into Python code.

`torch.export.load` evaluates parts of models/*.json: symbolic sizes go through sympy's `eval`, operator names are
looked up anywhere below `torch` and called, node names and guards are pasted into source code that is executed, and
tree specifications import modules by name. So the program is rebuilt from what is known to be harmless: identifiers,
numbers, arithmetic on symbols, and operators of PyTorch's own libraries.
"""

from __future__ import annotations

import ast
import json
import re
from typing import Any

import torch

_IDENTIFIER = re.compile(r"([A-Za-z_]\w{0,999})?", re.ASCII)
_DOTTED = re.compile(r"[\w.\-]{0,1000}", re.ASCII)
_TEXT = re.compile(r"[\w .,:;+\-*/>()]{0,1000}", re.ASCII)
_NUMBER = re.compile(r"-?Infinity|-?inf|NaN|nan")
_OPERATOR = re.compile(
    r"torch\.ops\.(aten|prims|quantized|quantized_decomposed|torchvision)\.(_?[A-Za-z]\w*)\.(_?[A-Za-z]\w*)", re.ASCII
)
_FILES = re.compile(r"from_file|save|load|record|rpc|print|warn")
"""Operators of those libraries that reach outside of the tensors they are given."""
_SCALAR = re.compile(
    r"_operator\.(eq|ne|le|ge|lt|gt|neg|pos|mul|add|sub|floordiv|mod|pow|truediv|and_|or_|lshift|rshift|getitem)"
    r"|math\.(trunc|ceil|floor)|torch\.sym_(not|int|float|ite|max|min|sqrt)"
)
_WRAPPERS = frozenset(
    {"torch.ops.higher_order.wrap_with_set_grad_enabled", "torch.ops.higher_order.wrap_with_autocast"}
)
_TREES = frozenset({"builtins.tuple", "builtins.list", "builtins.dict", "collections.OrderedDict"})
_DROPPED: dict[str, object] = {"metadata": {}, "treespec_namedtuple_fields": {}, "guards_code": [], "torch_version": ""}
"""Not needed to run the program, and partly evaluated."""
_REFUSED = frozenset({"as_custom_obj", "custom_obj", "constant_input"})
_ALLOWED = {
    **dict.fromkeys(("as_string", "as_strings"), _TEXT),
    **dict.fromkeys(("as_float", "as_floats"), _NUMBER),
    **dict.fromkeys(("parameter_name", "buffer_name", "tensor_constant_name", "fqn"), _DOTTED),
}
"""What texts may be, by the key they stand under; elsewhere identifiers."""
_FUNCTION = re.compile(
    r"Symbol|Integer|Float|Rational|Add|Mul|Pow|Max|Min|Eq|Ne|Lt|Le|Gt|Ge|And|Or|Not|Abs|FloorDiv|ModularIndexing|Where"
    r"|PythonMod|Mod|CleanDiv|CeilToInt|FloorToInt|CeilDiv|LShift|RShift|PowByNatural|FloatPow|FloatTrueDiv|IntTrueDiv"
    r"|IsNonOverlappingAndDenseIndicator|TruncToFloat|TruncToInt|RoundToInt|RoundDecimal|ToFloat|Identity"
)
"""What sizes are written with; the names are sympy's and torch.utils._sympy.functions'."""
_LONGEST_SIZE = 10_000
_SYMBOL = re.compile(r"z?[su]f?\d{1,9}")
_NODES = (
    ast.Expression,
    ast.BinOp,
    ast.UnaryOp,
    ast.Compare,
    ast.operator,
    ast.unaryop,
    ast.cmpop,
    ast.Load,
    ast.keyword,
)


class Unsafe(Exception):
    """The program holds what could run code, or what nobody knows to be harmless."""


def rebuilt(program: bytes) -> bytes:
    """Return the program as JSON of harmless parts only.

    Raises:
        Unsafe: A part of it is not known to be harmless; says which.
    """
    try:
        content = json.loads(program)
    except (ValueError, RecursionError) as error:
        raise Unsafe(f"its graph is no JSON: {error}") from None
    if not isinstance(content, dict) or not isinstance(content.get("graph_module"), dict):
        raise Unsafe("its graph is no exported program")
    result: dict[str, Any] = _rebuilt(content, "")
    return json.dumps(result).encode()


def _rebuilt(value: Any, key: str) -> Any:
    if key in _DROPPED:
        return _DROPPED[key]
    if isinstance(value, dict):
        if set(value) == {"type", "index"}:
            return {"type": "cpu", "index": None}
        return {_name(name): _rebuilt(entry, name) for name, entry in value.items()}
    if isinstance(value, list):
        # modules below the root keep signatures that only unflattening reads
        entries = value[:1] if key == "module_call_graph" else value
        return [_rebuilt(entry, key) for entry in entries]
    if isinstance(value, str):
        return _text(value, key)
    return value


def _name(key: str) -> str:
    if key in _REFUSED:
        raise Unsafe(f"it holds a {key}, which is no tensor")
    if not _IDENTIFIER.fullmatch(key):
        raise Unsafe(f"it names a value {key[:80]!r}")
    return key


def _text(value: str, key: str) -> str:
    if key == "expr_str":
        _check_expression(value)
    elif key in ("target", "as_operator"):
        _check_operator(value)
    elif key in ("in_spec", "out_spec"):
        _check_tree(value, _IDENTIFIER if key == "in_spec" else _DOTTED)
    else:
        if not _ALLOWED.get(key, _IDENTIFIER).fullmatch(value):
            raise Unsafe(f"it holds the text {value[:80]!r} under {key!r}")
    return value


def _check_operator(name: str) -> None:
    if _SCALAR.fullmatch(name) or name in _WRAPPERS:
        return
    found = _OPERATOR.fullmatch(name)
    if found is None or _FILES.search(found[2]):
        raise Unsafe(f"it calls {name[:120]!r}, which is no operator of PyTorch's tensor libraries")
    try:
        overload = getattr(getattr(getattr(torch.ops, found[1]), found[2]), found[3])
    except AttributeError:
        raise Unsafe(f"it calls {name!r}, which this PyTorch does not have") from None
    if not isinstance(overload, torch._ops.OpOverload):
        raise Unsafe(f"it calls {name!r}, which is no operator")


def _check_expression(text: str) -> None:
    """Accept arithmetic on numbers, symbols and sympy's functions of sizes."""
    if len(text) > _LONGEST_SIZE:
        raise Unsafe("it holds a size of more than 10,000 characters")
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Unsafe(f"it holds the size {text[:80]!r}") from None
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, _NODES) or _is_harmless(node, called):
            continue
        raise Unsafe(f"it holds the size {text[:80]!r}, which is no arithmetic")


def _is_harmless(node: ast.AST, called: set[int]) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name)
    if isinstance(node, ast.Name):
        return (_FUNCTION if id(node) in called else _SYMBOL).fullmatch(node.id) is not None
    if isinstance(node, ast.Constant):
        is_symbol = isinstance(node.value, str) and re.fullmatch(r"\w{1,40}", node.value, re.ASCII) is not None
        return is_symbol or isinstance(node.value, (bool, int, float))
    return False


def _check_tree(text: str, names: re.Pattern[str]) -> None:
    try:
        version, tree = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        raise Unsafe("its call signature is no tree") from None
    if version != 1:
        raise Unsafe(f"its call signature has version {version!r}")
    _check_branch(tree, names)


def _check_branch(tree: Any, names: re.Pattern[str]) -> None:
    if not isinstance(tree, dict) or set(tree) != {"type", "context", "children_spec"}:
        raise Unsafe("its call signature is no tree")
    if tree["type"] is not None and tree["type"] not in _TREES:
        raise Unsafe(f"its call signature holds a {str(tree['type'])[:80]}")
    context = json.loads(tree["context"]) if tree["context"] is not None else None
    if context is not None and not (
        isinstance(context, list)
        and all(isinstance(entry, int) or (isinstance(entry, str) and names.fullmatch(entry)) for entry in context)
    ):
        raise Unsafe("its call signature holds more than names")
    for child in tree["children_spec"]:
        _check_branch(child, names)
