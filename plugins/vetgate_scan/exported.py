"""Know the members of an exported program (.pt2), and which of them PyTorch unpickles.

`torch.export.load` unpickles the sample inputs (without weights_only where that fails), every weight and constant that
a config marks, and objects; it loads compiled libraries. So each of these members is read as a pickle, and what is
compiled or an object is told wherever it stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from vetgate.api import RuleSpec
from vetgate_scan import graph
from vetgate_scan import torch_rules as rules
from vetgate_scan.log import shown

RAW = re.compile(r"data/weights/weight_\d+|data/constants/tensor_\d+")
"""Bytes of tensors, unless a config marks them as pickled."""
PICKLED = re.compile(
    r"data/sample_inputs/[^/]+\.pt|data/(weights|constants)/[^/]+\.pt|data/constants/(custom|opaque)_obj_\d+"
    r"|serialized_\w+\.pt"
)
KNOWN = re.compile(
    r"extra/.+|archive_(format|version)|\.data/(version|serialization_id)|(models|data)/[^/]*\.json|extra_files/.+"
)
_OBJECTS = re.compile(r"data/constants/(custom|opaque)_obj_")
_COMPILED = re.compile(
    r"data/(aotinductor|executorch|mtia)/|.*\.(so|cpp|cc|cu|cubin|hsaco|ptx|o|obj|a|dll|dylib|pyd|pyc|py|spv|metallib)$"
)
_PROGRAM = re.compile(r"models/[^/]+\.json|serialized_exported_program\.json")
_CONFIG = re.compile(r"data/(weights|constants)/[^/]+_config\.json")
LONGEST_TEXT = 64 << 20
"""Bytes of a graph; that of a network of 1,000 layers has some 3 MB."""

Note = Callable[[RuleSpec, str, str], None]


def is_read_whole(name: str) -> bool:
    """Return whether a member is a graph or a config."""
    return _PROGRAM.fullmatch(name) is not None or _CONFIG.fullmatch(name) is not None


def pickled(texts: Mapping[str, bytes]) -> frozenset[str]:
    """Return the members that configs mark as pickled."""
    found = set()
    for name, content in texts.items():
        if not _CONFIG.fullmatch(name):
            continue
        folder = name.rpartition("/")[0]
        found |= {f"{folder}/{path}" for path, is_pickled in _payloads(content) if is_pickled}
    return frozenset(found)


def check(texts: Mapping[str, bytes], names: tuple[str, ...], note: Note) -> None:
    """Note what an exported program must not hold."""
    for name in names:
        if _COMPILED.match(name) and not name.startswith("extra/"):
            note(rules.COMPILED, "the program carries compiled code or its source", name)
        elif _OBJECTS.match(name):
            note(rules.EXPORT_OBJECT, "the program carries a pickled object", name)
    programs = [name for name in names if name.startswith("models/") or _PROGRAM.fullmatch(name)]
    if len(programs) != 1:
        told = ", ".join(shown(name) for name in programs[:5]) or "none"
        note(rules.EXPORT_LAYOUT, f"the archive holds {len(programs)} programs ({told}), where one is expected", "")
    for name in programs:
        _check_program(name, texts.get(name), note)
    for name, content in texts.items():
        if _CONFIG.fullmatch(name):
            _check_config(name, content, note)


def _check_program(name: str, content: bytes | None, note: Note) -> None:
    if content is None or len(content) > LONGEST_TEXT:
        note(rules.EXPORT_LAYOUT, "the program is no text that the scan can read", name)
        return
    try:
        program = json.loads(content)
    except (ValueError, RecursionError):
        program = None
    if not isinstance(program, dict):
        note(rules.EXPORT_LAYOUT, "the program is no JSON object", name)
        return
    for rule, message in graph.offences(program):
        note(rule, message, name)


def _payloads(content: bytes) -> list[tuple[str, bool]]:
    """Return the file of each entry of a config, and whether it is pickled; what is odd counts as pickled."""
    try:
        entries: Any = json.loads(content)["config"].values()
        return [(str(entry["path_name"]), entry.get("use_pickle") is not False) for entry in entries]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return []


def _check_config(name: str, content: bytes, note: Note) -> None:
    try:
        is_config = isinstance(json.loads(content)["config"], dict)
    except (ValueError, LookupError, TypeError, RecursionError):
        is_config = False
    if not is_config or (not _payloads(content) and b"path_name" in content):
        note(rules.EXPORT_LAYOUT, "the list of tensors cannot be read", name)
    for path, _ in _payloads(content):
        if "/" in path or ".." in path:
            note(rules.EXPORT_LAYOUT, f"the list of tensors names {shown(path)}, outside of its folder", name)
