"""What may be found in files of Keras, HDF5 and TensorFlow, VG07xx."""

from __future__ import annotations

from vetgate.api import RuleSpec, Severity

_ASK = "do not load it; save the model again without it"

LAMBDA = RuleSpec(
    "VG0701",
    Severity.CRITICAL,
    "a layer holds Python code (Lambda)",
    "Loading the model unmarshals and runs it; the safe mode of Keras does not look into .h5 files.",
    _ASK,
    "CVE-2024-3660, CVE-2025-9905",
)
MODULE = RuleSpec(
    "VG0702",
    Severity.CRITICAL,
    "the configuration names a class or function outside of Keras",
    "Keras imports the module and calls what is named with arguments of the file's choice.",
    _ASK,
    "CVE-2025-1550",
)
REGISTERED = RuleSpec(
    "VG0703",
    Severity.HIGH,
    "the configuration needs registered or custom objects",
    "Code that does not come with Keras builds them; nobody here vouches for it.",
    "vet the model in a format that holds no code, such as ONNX or TFLite",
    "Keras custom objects",
)
GADGET = RuleSpec(
    "VG0704",
    Severity.CRITICAL,
    "the configuration calls a function of Keras that is no part of a network, or switches safety off",
    "get_file writes files of the file's choice; enable_unsafe_deserialization lets the next layer run code.",
    _ASK,
    "CVE-2025-8747, CVE-2025-9906",
)
LINK = RuleSpec(
    "VG0705",
    Severity.CRITICAL,
    "weights are in another file (HDF5 external link, external storage, virtual dataset)",
    "Whoever loads the model reads a file of its author's choice into the weights.",
    "save the weights into one file",
    "CVE-2026-1669; HDF5 external links",
)
MEMBER = RuleSpec(
    "VG0706",
    Severity.HIGH,
    "the archive holds files that Keras does not write, or lacks its own",
    "Other tools unpack and open them.",
    "save the model again",
    "Keras v3 format",
)
PATH = RuleSpec(
    "VG0707",
    Severity.HIGH,
    "a layer reads a file or an address when it is built",
    "Vocabularies given as a path are read from the machine that loads the model, or fetched from the network.",
    "save the vocabulary inside the model",
    "CVE-2025-12058, CVE-2025-12060",
)
DAMAGED = RuleSpec(
    "VG0708",
    Severity.HIGH,
    "the configuration cannot be read",
    "What is not read may name anything.",
    "save the model again",
    "CWE-436",
)
KERNEL = RuleSpec(
    "VG0709",
    Severity.CRITICAL,
    "the TensorFlow graph calls Python, or reads and writes files",
    "The operators run as soon as the graph does, with the rights of who runs it.",
    _ASK,
    "TensorFlow SECURITY.md: models are programs",
)
GRAPH = RuleSpec(
    "VG0710",
    Severity.HIGH,
    "a TensorFlow graph",
    "A SavedModel is a program of thousands of kernels; besides the ones that are named here nobody looked at them.",
    "vet the model in a format that holds no code, such as ONNX or TFLite",
    "TensorFlow SECURITY.md",
)
UNKNOWN = RuleSpec(
    "VG0711",
    Severity.MEDIUM,
    "the configuration names a class that is not on the list of those that only compute",
    "Safe mode lets through much of what comes with Keras, and has been passed more than once.",
    "build the model of plain layers, or vet it in a format that holds no code, such as ONNX or TFLite",
    "CVE-2025-1550, CVE-2025-8747, CVE-2025-9906",
)
RULES = (LAMBDA, MODULE, REGISTERED, GADGET, LINK, MEMBER, PATH, DAMAGED, KERNEL, GRAPH, UNKNOWN)
