"""What a configuration of Keras names: classes, functions, code and paths."""

from __future__ import annotations

import builtins
import json
import re
from collections.abc import Iterator
from typing import Any

from vetgate_runtime.keras import strangers

from vetgate_scan import keras_rules as rule
from vetgate_scan.found import Found, quoted

_KERAS = re.compile(r"(keras|keras_core|tf_keras|tensorflow\.keras|tensorflow\.python\.keras|keras\.src)(\.|\Z)")
_PARTS = frozenset(
    [
        "layers",
        "models",
        "initializers",
        "regularizers",
        "constraints",
        "activations",
        "losses",
        "metrics",
        "optimizers",
        "ops",
        "quantizers",
        "distribution",
        "dtype_policies",
        "applications",
        "preprocessing",
        "backend",
        "engine",
        "src",
        "saving",
        "random",
        "mixed_precision",
        "functional",
        "sequential",
        "model",
    ]
)
"""Second words of modules that networks are made of."""
_NO_PARTS = frozenset({"saving", "utils", "datasets", "config", "export", "callbacks", "tree", "wrappers"})
_PLAIN = frozenset({"builtins", ""})
_PLAIN_CLASSES = frozenset(
    {
        "__tuple__", "__tensor__", "__keras_tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__typespec__",
        "slice", "float", "int", "str", "bool", "tuple", "list", "dict",
    }
)  # fmt: skip
_GADGETS = re.compile(
    r"get_file|enable_unsafe_deserialization|disable_safe|set_floatx|load_model|load_img|load_weights|extract_archive|"
    r"deserialize_keras_object|model_from|TFSMLayer|TorchModuleWrapper|JaxLayer|FlaxLayer|unsafe"
)
_ADDRESS = re.compile(r"(?:https?|ftp|s3|gs|file|hdfs)://|\A/|\A[A-Za-z]:\\|\.\./")
_LAMBDA = frozenset({"Lambda", "__lambda__"})
_MOST_VALUES = 2_000_000
_DEEPEST = 200
_LONGEST = 64 << 20


def look_at_config(data: bytes, where: str, found: Found) -> None:
    """Look at a model's configuration.

    Args:
        data: Its JSON.
        where: Where it stands.
        found: Where findings go.
    """
    try:
        if len(data) > _LONGEST:
            raise ValueError(f"it has {len(data):,} bytes")
        told: Any = json.loads(data)
    except (ValueError, RecursionError) as error:
        found.add(rule.DAMAGED, f"it cannot be read: {str(error)[:200]}", where)
        return
    for value in _objects(told, where, found):
        _look_at_object(value, where, found)


def look_for_strangers(data: bytes, where: str, found: Found) -> None:
    """Note what the configuration of an archive names that is not on the list of what only computes."""
    try:
        told: object = json.loads(data)
    except (ValueError, RecursionError):
        return  # `look_at_config` tells it
    for strange in dict.fromkeys(strangers(told)):
        found.add(rule.UNKNOWN, f"it names {quoted(strange)}", where)


def _objects(told: object, where: str, found: Found) -> Iterator[dict[str, Any]]:
    """Yield every object in a configuration."""
    waiting: list[tuple[object, int]] = [(told, 0)]
    for _ in range(_MOST_VALUES):
        if not waiting:
            return
        value, depth = waiting.pop()
        inner: list[object] = []
        if isinstance(value, dict):
            yield value
            inner = list(value.values())
        elif isinstance(value, list):
            inner = value
        if depth > _DEEPEST:
            break
        waiting += [(one, depth + 1) for one in inner]
    found.add(rule.DAMAGED, "it is nested more deeply, or longer, than that of any network", where)


def _look_at_object(value: dict[str, Any], where: str, found: Found) -> None:
    name, module = value.get("class_name"), value.get("module")
    config, registered = value.get("config"), value.get("registered_name")
    if isinstance(name, str):
        _look_at_class(name, config, where, found)
        if isinstance(module, str):
            _look_at_module(module, name, config, where, found)
        if isinstance(registered, str) and registered not in (name, "function") and not _KERAS.match(registered):
            found.add(rule.REGISTERED, f"{quoted(name)} is registered as {quoted(registered)}", where)
    for key in ("module", "function_type", "output_shape_type", "mask_type"):
        if value.get(key) in ("lambda", "raw"):
            found.add(rule.LAMBDA, f"{key} is {quoted(value[key])}: code in the file", where)
    _look_at_paths(value, where, found)


def _look_at_class(name: str, config: object, where: str, found: Found) -> None:
    if name in _LAMBDA or name.endswith(">Lambda"):
        found.add(rule.LAMBDA, f"a layer of class {quoted(name)} holds Python code", where)
    elif _GADGETS.search(name) or (name == "function" and isinstance(config, str) and _GADGETS.search(config)):
        found.add(rule.GADGET, f"{quoted(name)} names {quoted(str(config))}", where)
    elif ">" in name:
        found.add(rule.REGISTERED, f"{quoted(name)} is a custom object", where)


def _look_at_module(module: str, name: str, config: object, where: str, found: Found) -> None:
    told = quoted(f"{module}.{config if name == 'function' else name}"[:300])
    if module in _PLAIN:
        # Keras writes its own activations as functions of `builtins`; none of them has the name of a real one
        harmless = not hasattr(builtins, str(config)) if name == "function" else name in _PLAIN_CLASSES
        if not harmless:
            found.add(rule.MODULE, f"it names {told}", where)
        return
    if not _KERAS.match(module):
        found.add(rule.MODULE, f"it names {told}", where)
        return
    words = set(module.split("."))
    if words & _NO_PARTS or not (words & _PARTS or module in ("keras", "tensorflow.keras")):
        found.add(rule.GADGET, f"it names {told}, which is no part of a network", where)


def _look_at_paths(value: dict[str, Any], where: str, found: Found) -> None:
    vocabulary = value.get("vocabulary")
    if isinstance(vocabulary, str):
        found.add(rule.PATH, f"a vocabulary is read from {quoted(vocabulary)}", where)
    for key in ("idf_weights", "filepath", "filename", "url", "origin", "save_path"):
        told = value.get(key)
        if isinstance(told, str) and _ADDRESS.search(told):
            found.add(rule.PATH, f"{key} is {quoted(told)}", where)
