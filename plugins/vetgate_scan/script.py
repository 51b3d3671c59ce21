"""Find what TorchScript code must not do.

TorchScript can write and map files, call other machines and reach memory outside of its tensors, and loading already
runs its __setstate__. Names of such operators can be hidden: behind an alias (`t = torch`), white space
(`torch . save`), `getattr`, or a method call on a tensor. So the code is taken apart into words, and what PyTorch's own
printer never writes is told. The backend for PyTorch holds programs to the same rules when it opens them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from vetgate.api import RuleSpec
from vetgate_scan import torch_rules as rules
from vetgate_scan.log import shown

_OUTSIDE = re.compile(r"save|from_file|load_tensor|rpc_\w+|_?print")
"""Operators that reach outside of the tensors they are given, whatever they are called on."""
_NAMESPACES = frozenset({"aten", "prim", "quantized", "_quantized", "torchvision", "prepacked", "mkldnn_prepacked"})
"""Libraries of operators that check the tensors they are given."""
_CLASSES = frozenset({"quantized", "sparse", "xnnpack", "mkldnn", "mkl"})
"""Libraries of objects that hold packed weights."""
_TEXT = re.compile(r'"(?:[^"\\\n]|\\[^\n])*"')
_WORD = re.compile(r"[^\W\d]\w*|\.|[^\s\w]|\w+")
_ODD = frozenset({"'", "#", "\\", "`"})


def offences(code: str) -> Iterator[tuple[RuleSpec, str]]:
    """Yield what is wrong with one member's code."""
    if '"""' in code:
        yield rules.SCRIPT_ODD, "the code holds a text that PyTorch did not write"
        return
    for text in _TEXT.findall(code):
        plain = _plain(text)
        if plain is None:
            yield rules.SCRIPT_ODD, "the code holds a text that PyTorch did not write"
        elif _OUTSIDE.fullmatch(plain):
            # getattr takes names as texts
            yield rules.SCRIPT_OUTSIDE, f"the code names {shown(plain)}, which reaches outside of the model"
    words = _WORD.findall(_TEXT.sub('""', code))
    if not _ODD.isdisjoint(words):
        yield rules.SCRIPT_ODD, "the code holds signs that PyTorch does not write"
    padded = ["", *words, "", "", "", ""]
    for place, word in enumerate(words, start=1):
        if word in ("ops", "classes") or _OUTSIDE.fullmatch(word):
            yield from _word(word, padded[place - 1], padded[place + 1 : place + 5])


def _plain(text: str) -> str | None:
    """Return what a text says, or None where it is none."""
    if not text.isascii():
        # beyond ASCII no operator has a name
        return text
    try:
        value: bytes = ast.literal_eval(f"b{text}")
    except (SyntaxError, ValueError):
        return None
    return value.decode("utf-8", "replace")


def _word(word: str, before: str, after: list[str]) -> Iterator[tuple[RuleSpec, str]]:
    if _OUTSIDE.fullmatch(word) and (before == "." or word.startswith("rpc_")):
        yield rules.SCRIPT_OUTSIDE, f"the code calls {shown(word)}, which reaches outside of the model"
    if before == "." and word == "classes" and after[0] == "." and after[1] not in _CLASSES:
        yield rules.SCRIPT_OBJECT, f"the code uses torch.classes.{shown(after[1])}"
    if word == "ops" and before != "." and not (after[0] == "." and after[1] in _NAMESPACES and after[2] == "."):
        yield rules.SCRIPT_OUTSIDE, f"the code calls ops.{shown(after[1])}, which is no library of tensor operators"
