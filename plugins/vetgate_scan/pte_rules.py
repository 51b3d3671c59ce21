"""What may be found in an ExecuTorch program, VG12xx."""

from __future__ import annotations

from vetgate.api import RuleSpec, Severity

_EXPORT = "export the model again from a source that you trust"

DAMAGED = RuleSpec(
    "VG1201",
    Severity.HIGH,
    "an offset, a length or an index leads outside of the program",
    "The runtime follows offsets and numbers of values as addresses.",
    "copy or export it again",
    "CWE-125, CWE-787",
)
DELEGATE = RuleSpec(
    "VG1202",
    Severity.HIGH,
    "part of the program is compiled for a delegate other than XNNPACK",
    "It is code of an accelerator or of another runtime, which nobody here reads.",
    "export the model for XNNPACK, or vet it on its device",
    "ExecuTorch backend delegates",
)
CUSTOM = RuleSpec(
    "VG1203",
    Severity.HIGH,
    "operator that is none of ExecuTorch's",
    "It runs native code of a library that somebody must link first; nobody here vouches for it.",
    "export the model with PyTorch's operators, or vet the library by itself",
    "ExecuTorch custom operators",
)
EXTERNAL = RuleSpec(
    "VG1204",
    Severity.HIGH,
    "weights lie in another file",
    "What stands there when the program is opened is not what was scanned.",
    "export the program with its weights inside",
    "ExecuTorch .ptd data files",
)
GIANT = RuleSpec(
    "VG1205",
    Severity.HIGH,
    "a small file asks for giant tensors",
    "The runtime reserves what shapes say before anything runs.",
    _EXPORT,
    "CWE-789",
)
CONSTANT = RuleSpec(
    "VG1206",
    Severity.HIGH,
    "a constant's bytes do not fit its shape and type",
    "A kernel that trusts the shape reads past the end of the constant.",
    _EXPORT,
    "CWE-131",
)
RULES = (DAMAGED, DELEGATE, CUSTOM, EXTERNAL, GIANT, CONSTANT)
