"""Which imports of a pickle are harmless: everything else is a finding.

The list is what `torch.load(weights_only=True)` of PyTorch 2.13 accepts, and what honest training checkpoints hold
besides: NumPy arrays and scalars, argparse's namespaces, paths and times. Constructing any of them runs no code of the
file. Names that are known to be dangerous are told as such, but nothing rests on that list: it makes a finding
critical that would be of high severity anyway.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple


class Global(NamedTuple):
    """An imported name."""

    module: str
    name: str

    def __str__(self) -> str:
        """Return it with a dot."""
        return f"{self.module}.{self.name}"


class Standing(Enum):
    """What a pickle may do with an imported name."""

    CALL = "call"
    """Call it, or make an instance of it."""
    VALUE = "value"
    """Hand it on, as a dtype."""
    UNKNOWN = "unknown"
    DANGEROUS = "dangerous"


_STORAGES = (
    "Double", "Float", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool", "ComplexDouble",
    "ComplexFloat", "QInt8", "QUInt8", "QInt32", "QUInt4x2", "QUInt2x4",
)  # fmt: skip
_TENSORS = _STORAGES[:10]
_VALUE = re.compile(
    r"torch\.(u?int[1-8]|u?int(16|32|64)|b?float(16|32|64)|float(8|4)_\w+|complex(32|64|128)|bool|bits\w+|qu?int\w+"
    r"|per_(tensor|channel)_(affine|symmetric)|per_channel_affine_float_qparams"
    rf"|(cuda\.)?({'|'.join(_STORAGES)})Storage|storage\.(Typed|Untyped)Storage"
    rf"|((cuda\.)?(sparse\.)?)({'|'.join(_TENSORS)})Tensor)"
    r"|numpy\.(ndarray|dtypes\.\w+DType)",
    re.ASCII,
)
_PLAIN = (
    "set", "frozenset", "complex", "bytearray", "dict", "list", "tuple", "int", "float", "bool", "str", "bytes",
    "slice", "range",
)  # fmt: skip
_CALL = frozenset(
    {
        ("collections", "OrderedDict"),
        ("collections", "Counter"),
        ("collections", "defaultdict"),
        ("collections", "deque"),
        ("_codecs", "encode"),
        ("torch", "Size"),
        ("torch", "Tensor"),
        ("torch", "device"),
        ("torch.nn.parameter", "Parameter"),
        ("torch.nn.parameter", "Buffer"),
        ("torch.serialization", "_get_layout"),
        ("torch._tensor", "_rebuild_from_type_v2"),
        ("torch._utils", "_rebuild_tensor"),
        ("torch._utils", "_rebuild_tensor_v2"),
        ("torch._utils", "_rebuild_tensor_v3"),
        ("torch._utils", "_rebuild_qtensor"),
        ("torch._utils", "_rebuild_sparse_tensor"),
        ("torch._utils", "_rebuild_sparse_csr_tensor"),
        ("torch._utils", "_rebuild_nested_tensor"),
        ("torch._utils", "_rebuild_parameter"),
        ("torch._utils", "_rebuild_parameter_with_state"),
        ("torch._utils", "_rebuild_meta_tensor_no_storage"),
        ("torch._utils", "_rebuild_wrapper_subclass"),
        ("torch._utils", "_rebuild_device_tensor_from_numpy"),
        ("torch._utils", "_rebuild_device_tensor_from_cpu_tensor"),
        ("numpy", "dtype"),
        *((f"numpy.{core}.multiarray", name) for core in ("core", "_core") for name in ("_reconstruct", "scalar")),
        *((f"numpy.{core}.numeric", "_frombuffer") for core in ("core", "_core")),
        *((module, name) for module in ("builtins", "__builtin__") for name in _PLAIN),
        ("argparse", "Namespace"),
        ("datetime", "datetime"),
        ("datetime", "date"),
        ("datetime", "time"),
        ("datetime", "timedelta"),
        *((module, f"{kind}Path") for module in ("pathlib", "pathlib._local") for kind in ("Posix", "Windows")),
        *((module, f"Pure{kind}Path") for module in ("pathlib", "pathlib._local") for kind in ("Posix", "Windows")),
    }
)
_SCRIPT_CALL = frozenset(
    {
        *(("torch._utils", f"_rebuild_{kind}") for kind in ("tensor_v2", "qtensor", "sparse_tensor")),
        *(("torch.jit._pickle", f"build_{kind}list") for kind in ("int", "tensor", "double", "bool", "string")),
        ("torch.jit._pickle", "build_tensor_from_id"),
        ("torch.jit._pickle", "restore_type_tag"),
        ("collections", "OrderedDict"),
        ("torch", "device"),
    }
)
_PACKED = frozenset({"quantized", "sparse", "xnnpack", "mkldnn", "mkl"})
"""Libraries of TorchScript's objects that hold packed weights."""
_DANGEROUS = """
os pathlib posix nt posixpath ntpath subprocess commands popen2 sys runpy pty pip ensurepip venv shutil socket ssl
asyncio multiprocessing threading _thread signal ctypes _ctypes cffi importlib imp pkgutil zipimport code codeop bdb pdb
cProfile profile timeit trace doctest unittest test pydoc idlelib lib2to3 distutils setuptools webbrowser antigravity
_osx_support _aix_support _pyrepl uuid imaplib ftplib smtplib telnetlib poplib nntplib http httplib urllib urllib2
xmlrpc requests aiohttp httpx logging tempfile io _io fileinput linecache glob sqlite3 dbm shelve pickle _pickle
cPickle dill cloudpickle joblib marshal copyreg copy_reg types functools _functools itertools operator _operator
builtins __builtin__ __main__ inspect ast gc weakref atexit faulthandler resource platform getpass site sysconfig
readline curses tkinter turtle mmap jinja2 yaml IPython torch.hub torch.jit torch.serialization torch.package
torch.utils.collect_env torch.utils.bottleneck torch.utils.cpp_extension torch.utils._config_module
torch.utils.data.datapipes torch.utils.model_zoo torch._inductor torch._dynamo torch.fx torch.distributed
torch.storage torch.ops torch._ops torch.classes torch._C torch.library torch.testing torch.multiprocessing
torch.export torch.onnx torch.cuda.memory numpy.f2py numpy.testing numpy.distutils numpy.ctypeslib numpy.lib
numpy.load pandas.io pandas.eval huggingface_hub
"""
"""Modules whose names run code, start processes, open files or load other files."""
_DANGEROUS_MODULES = frozenset(_DANGEROUS.split())


_SIZES = {
    "ComplexDouble": 16, "ComplexFloat": 8, "Double": 8, "Long": 8, "Float": 4, "Int": 4, "QInt32": 4,
    "Half": 2, "BFloat16": 2, "Short": 2,
    **dict.fromkeys(("Char", "Byte", "Bool", "QInt8", "QUInt8", "QUInt4x2", "QUInt2x4", "Untyped"), 1),
}  # fmt: skip
"""Bytes of one element, by the kind of storage."""


def standing(imported: Global) -> Standing:
    """Return what a pickle that Python loads may do with a name."""
    if imported in _CALL:
        return Standing.CALL
    if _VALUE.fullmatch(str(imported)) and "." not in imported.name:
        return Standing.VALUE
    return _refused(imported)


def script_standing(imported: Global) -> Standing:
    """Return the same for a pickle inside a TorchScript program, which PyTorch's own C++ reader loads.

    Names below `__torch__` are the program's own classes, whose code lies in its `code/` members.
    """
    module = imported.module
    if module.startswith("__torch__.torch.classes."):
        return Standing.CALL if module.split(".")[3] in _PACKED else Standing.UNKNOWN
    if module == "__torch__" or module.startswith("__torch__."):
        return Standing.CALL
    if imported in _SCRIPT_CALL:
        return Standing.CALL
    if _VALUE.fullmatch(str(imported)) and module == "torch" and "." not in imported.name:
        return Standing.VALUE
    return _refused(imported)


def _refused(imported: Global) -> Standing:
    parts = str(imported).split(".")
    heads = {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
    return Standing.UNKNOWN if heads.isdisjoint(_DANGEROUS_MODULES) else Standing.DANGEROUS


def element_size(storage: Global) -> int | None:
    """Return the bytes of one element of a storage class, or None where it is none."""
    kind = storage.name.removesuffix("Storage")
    if storage.module not in ("torch", "torch.cuda", "torch.storage") or kind == storage.name:
        return None
    return _SIZES.get(kind)
