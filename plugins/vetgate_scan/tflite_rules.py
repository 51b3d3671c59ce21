"""What may be found in a TFLite file, VG05xx."""

from __future__ import annotations

from vetgate.api import RuleSpec, Severity

_CONVERT = "convert the model again from a source that you trust"

DAMAGED = RuleSpec(
    "VG0501",
    Severity.HIGH,
    "an offset, a length or an index leads outside the file",
    "TFLite's interpreter follows offsets without a second look: it reads or writes other memory, or crashes.",
    "convert or copy it again",
    "CVE-2022-23559, CVE-2020-15211, CVE-2020-15212; FlatBuffers verifier",
)
CUSTOM = RuleSpec(
    "VG0502",
    Severity.HIGH,
    "custom operator",
    "It runs native code of a library that somebody must link or register first; nobody here vouches for it.",
    "convert the model with built-in operators, or vet the library by itself",
    "TFLite custom operators",
)
FLEX = RuleSpec(
    "VG0503",
    Severity.HIGH,
    "operator of TensorFlow inside TFLite (flex)",
    "The flex delegate runs any TensorFlow kernel; some of them read and write files or call Python.",
    "convert the model with built-in operators",
    "TFLite Select TensorFlow operators",
)
BUFFER = RuleSpec(
    "VG0504",
    Severity.HIGH,
    "weights lie outside the file or in another one",
    "What stands there when the model is opened is not what was scanned.",
    _CONVERT,
    "TFLite Buffer.offset, ExternalBuffer; CWE-125",
)
TENSOR = RuleSpec(
    "VG0505",
    Severity.HIGH,
    "a tensor's bytes do not fit its shape and type",
    "A kernel that trusts the shape reads past the end of the buffer.",
    _CONVERT,
    "CVE-2020-15208, CVE-2020-15209, CVE-2022-23558",
)
INDEX = RuleSpec(
    "VG0506",
    Severity.HIGH,
    "an operator names tensors that are not there, or writes to what it reads or to a constant",
    "Kernels take such an index as an address.",
    _CONVERT,
    "CVE-2020-15210, CVE-2020-15211, CVE-2020-15214",
)
RECURSIVE = RuleSpec(
    "VG0507",
    Severity.HIGH,
    "graphs of the file call each other in a circle, or a loop never ends",
    "The interpreter recurses until its stack is used up, or runs for ever.",
    _CONVERT,
    "CVE-2021-29591",
)
GIANT = RuleSpec(
    "VG0508",
    Severity.HIGH,
    "a small file asks for giant tensors, or for too many graphs",
    "The interpreter reserves what shapes say before anything runs.",
    _CONVERT,
    "CVE-2022-23558, CWE-789",
)
APPENDED = RuleSpec(
    "VG0509",
    Severity.HIGH,
    "files packed behind the model are not the labels and texts that belong there",
    "Metadata travel as a zip behind the FlatBuffer, and tools unpack it: programs and paths that climb ride along.",
    "remove the packed files, or pack labels alone",
    "TFLite Metadata associated files",
)
PARAMETER = RuleSpec(
    "VG0510",
    Severity.HIGH,
    "an operator's stride, filter, block or number of parts is zero, negative or absurd",
    "Kernels divide by it, or reserve memory for it.",
    _CONVERT,
    "CVE-2021-29585, CVE-2021-29587, CVE-2021-29593, CVE-2021-29599, CVE-2021-29602, CVE-2021-37680",
)
RULES = (DAMAGED, CUSTOM, FLEX, BUFFER, TENSOR, INDEX, RECURSIVE, GIANT, APPENDED, PARAMETER)
