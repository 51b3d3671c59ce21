"""What may be found in an ncnn model, VG11xx."""

from __future__ import annotations

from vetgate.api import RuleSpec, Severity

_CONVERT = "convert the model again from a source that you trust"

DAMAGED = RuleSpec(
    "VG1101",
    Severity.HIGH,
    "the list of layers, or the weights, are not what ncnn writes",
    "ncnn follows numbers and names of the text without a second look: it reads or writes other memory, or crashes.",
    "convert or copy it again",
    "CWE-125, CWE-787",
)
CUSTOM = RuleSpec(
    "VG1102",
    Severity.HIGH,
    "layer that is none of ncnn's",
    "It runs native code of a library that somebody must register first; nobody here vouches for it.",
    "convert the model with ncnn's own layers, or vet the library by itself",
    "ncnn register_custom_layer",
)
BLOB = RuleSpec(
    "VG1103",
    Severity.HIGH,
    "a layer takes what no layer before it makes, or two make the same",
    "ncnn runs layers by who makes what; a circle runs until the stack is used up.",
    _CONVERT,
    "CWE-674",
)
PARAMETER = RuleSpec(
    "VG1104",
    Severity.HIGH,
    "a layer's kernel, stride, group or length is negative or absurd",
    "Kernels divide by it, or reserve memory for it.",
    _CONVERT,
    "CWE-369, CWE-789",
)
WEIGHTS = RuleSpec(
    "VG1105",
    Severity.HIGH,
    "the weights go on behind the last layer",
    "Nobody reads what stands there: it is another model's, or rides along.",
    _CONVERT,
)
UNKNOWN = RuleSpec(
    "VG1106",
    Severity.MEDIUM,
    "layer whose weights the scan cannot follow",
    "What it and the layers after it take of the weights was not held against the file.",
    "convert the model without it, or raise findings.halt_at for this model alone",
)
RULES = (DAMAGED, CUSTOM, BLOB, PARAMETER, WEIGHTS, UNKNOWN)
