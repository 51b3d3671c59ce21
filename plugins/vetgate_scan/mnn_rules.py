"""What may be found in an MNN model, VG13xx."""

from __future__ import annotations

from vetgate.api import RuleSpec, Severity

_CONVERT = "convert the model again from a source that you trust"

DAMAGED = RuleSpec(
    "VG1301",
    Severity.HIGH,
    "an offset, a length or an index leads outside of the model",
    "The interpreter follows offsets and numbers of tensors as addresses.",
    "copy or convert it again",
    "CWE-125, CWE-787",
)
CUSTOM = RuleSpec(
    "VG1302",
    Severity.HIGH,
    "operator that is none of MNN's, or a plugin",
    "It runs native code that somebody must link first, or code for a GPU that the file brings; nobody here reads it.",
    "convert the model with MNN's own operators, or vet the plugin by itself",
    "MNN plugins and extra operators",
)
EXTERNAL = RuleSpec(
    "VG1303",
    Severity.HIGH,
    "weights or parts of the model lie in another file",
    "What stands there when the model is opened is not what was scanned.",
    "convert the model again without --saveExternalData, so that it is one file",
    "MNN external weights",
)
GIANT = RuleSpec(
    "VG1304",
    Severity.HIGH,
    "a small file asks for giant tensors",
    "The interpreter reserves what shapes say before anything runs.",
    _CONVERT,
    "CWE-789",
)
MISFIT = RuleSpec(
    "VG1305",
    Severity.HIGH,
    "weights do not fit what their operator says of itself, or a parameter makes no sense",
    "Kernels take the operator's word for how much there is, and read or write past the end.",
    _CONVERT,
    "CWE-131, CWE-369",
)
INNER = RuleSpec(
    "VG1306",
    Severity.HIGH,
    "loops, branches or views of memory",
    "A loop may never end, and a view names addresses directly: MNN copies by what it says.",
    "convert the model without control flow, and without --saveStaticModel",
    "CWE-835, CWE-823",
)
RULES = (DAMAGED, CUSTOM, EXTERNAL, GIANT, MISFIT, INNER)
