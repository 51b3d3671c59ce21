"""Check the code of a TorchScript program before PyTorch compiles it.

TorchScript can write and map files, call other machines and reach memory outside of its tensors, and loading already
runs its __setstate__. The names of such operators can be hidden from a plain search: behind an alias (`t = torch`),
white space (`torch . save`), `getattr`, or a method call on a tensor (`x.save(...)`). So the code is taken apart into
words, and what PyTorch never writes itself is refused.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

_OUTSIDE = re.compile(r"save|from_file|load_tensor|rpc_\w+|_?print")
"""Operators that reach outside of the tensors they are given, whatever they are called on."""
_NAMESPACES = frozenset({"aten", "prim", "quantized", "_quantized", "torchvision", "prepacked", "mkldnn_prepacked"})
"""Libraries of operators that check the tensors they are given."""
_CLASSES = frozenset({"quantized", "sparse", "xnnpack", "mkldnn", "mkl"})
"""Libraries of objects that hold packed weights."""
_TEXT = re.compile(r'"(?:[^"\\\n]|\\[^\n])*"')
_WORD = re.compile(r"[^\W\d]\w*|\.|[^\s\w]|\w+")
_PICKLED_CLASS = re.compile(rb"torch\.classes\.(\w*)")


class Unsafe(Exception):
    """The code reaches outside of the model, or hides what it does."""


def check(records: Mapping[str, bytes]) -> None:
    """Check every record of a program.

    Raises:
        Unsafe: Says what is called, and in which record.
    """
    if "model.json" in records:
        raise Unsafe("keeps its code as PyTorch before 1.4 did, which is not checked")
    for name, content in records.items():
        if name.startswith("code/") and name.endswith(".py"):
            _check_code(content.decode("utf-8", "replace"), name)
        elif name.endswith(".pkl"):
            _check_pickle(content, name)


def _check_pickle(content: bytes, name: str) -> None:
    for found in _PICKLED_CLASS.finditer(content):
        if found[1].decode() not in _CLASSES:
            raise Unsafe(f"holds an object of torch.classes.{found[1].decode()} ({name})")


def _check_code(code: str, name: str) -> None:
    if '"""' in code:
        raise Unsafe(f"holds code that PyTorch did not write ({name})")
    for text in _TEXT.findall(code):
        # getattr takes names as texts
        if _OUTSIDE.fullmatch(_plain(text, name)):
            raise Unsafe(f"calls {_plain(text, name)} ({name})")
    words = _WORD.findall(_TEXT.sub('""', code))
    if not {"'", "#", "\\", "`"}.isdisjoint(words):
        raise Unsafe(f"holds code that PyTorch did not write ({name})")
    padded = [*words, "", "", "", ""]
    for place, word in enumerate(words):
        _check_word(word, words[place - 1] if place else "", padded[place + 1 : place + 5], name)


def _plain(text: str, name: str) -> str:
    try:
        value: bytes = ast.literal_eval(f"b{text}")
    except (SyntaxError, ValueError):
        # beyond ASCII no operator has a name; other texts are odd
        if text.isascii():
            raise Unsafe(f"holds a text that PyTorch did not write ({name})") from None
        return text
    return value.decode("utf-8", "replace")


def _check_word(word: str, before: str, after: list[str], name: str) -> None:
    if _OUTSIDE.fullmatch(word) and (before == "." or word.startswith("rpc_")):
        raise Unsafe(f"calls {word} ({name})")
    if before == "." and word == "classes" and after[0] == "." and after[1] not in _CLASSES:
        raise Unsafe(f"uses torch.classes.{after[1]} ({name})")
    if word == "ops" and before != "." and not (after[0] == "." and after[1] in _NAMESPACES and after[2] == "."):
        raise Unsafe(f"calls ops.{after[1]} ({name})")
