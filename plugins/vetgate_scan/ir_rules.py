"""What may be found in an OpenVINO model (IR), VG10xx."""

from __future__ import annotations

from vetgate.api import RuleSpec, Severity

_CONVERT = "convert the model again from a source that you trust"

ENTITY = RuleSpec(
    "VG1001",
    Severity.CRITICAL,
    "the XML declares a document type or entities",
    "Entities make a parser read files and addresses of its machine, or unfold a few lines to gigabytes.",
    _CONVERT,
    "CWE-611, CWE-776",
)
WEIGHTS = RuleSpec(
    "VG1002",
    Severity.HIGH,
    "a constant begins or ends outside of the file with the weights",
    "The runtime maps that file and takes offset and size as addresses.",
    _CONVERT,
    "OpenVINO IR, offset and size of Const; CWE-125",
)
TENSOR = RuleSpec(
    "VG1003",
    Severity.HIGH,
    "a constant's bytes do not fit its shape and type",
    "A kernel that trusts the shape reads past the end of the constant.",
    _CONVERT,
    "CWE-131",
)
CUSTOM = RuleSpec(
    "VG1004",
    Severity.HIGH,
    "operator of an extension",
    "It runs native code of a library that somebody must load first; nobody here vouches for it.",
    "convert the model with OpenVINO's own operator sets, or vet the library by itself",
    "OpenVINO extensibility",
)
NESTED = RuleSpec(
    "VG1005",
    Severity.HIGH,
    "bodies of loops and branches are nested too deeply, or layers are too many",
    "The runtime follows them one into the other until its stack is used up.",
    _CONVERT,
    "CWE-674",
)
GIANT = RuleSpec(
    "VG1006",
    Severity.HIGH,
    "a small file asks for giant tensors",
    "The runtime reserves what shapes say before anything runs.",
    _CONVERT,
    "CWE-789",
)
EDGE = RuleSpec(
    "VG1007",
    Severity.HIGH,
    "layers have one number twice, or an edge leads to a layer that is not there",
    "The runtime looks layers up by number and follows what it finds.",
    _CONVERT,
    "CWE-129",
)
DAMAGED = RuleSpec(
    "VG1008",
    Severity.HIGH,
    "the XML is no model",
    "What a scanner cannot read and a runtime may is a place to hide.",
    "convert or copy it again",
    "CWE-436",
)
LEFTOVER = RuleSpec(
    "VG1009",
    Severity.HIGH,
    "the weights go on behind the last constant",
    "Nobody reads what stands there: it is another model's, or rides along.",
    _CONVERT,
)
RULES = (ENTITY, WEIGHTS, TENSOR, CUSTOM, NESTED, GIANT, EDGE, DAMAGED, LEFTOVER)
