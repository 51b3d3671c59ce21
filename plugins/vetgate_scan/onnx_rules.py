"""What may be found in an ONNX file, VG04xx."""

from __future__ import annotations

from vetgate.api import RuleSpec, Severity

_EXPORT = "export the model again from a source that you trust"
_ASK = "do not open it; ask whoever made the file what this is for"

OUTSIDE = RuleSpec(
    "VG0401",
    Severity.CRITICAL,
    "external data lie outside the folder of the model",
    "Whoever opens the model reads a file of its author's choice into the weights, such as a private key, and the "
    "answers give it away; a tool that saves the model again may write there.",
    "save the model with relative file names beside it",
    "CVE-2022-25882 (onnx#3991, onnx#4400), CVE-2024-27318 (onnx#5917), CVE-2025-51480 (onnx#7040)",
)
LINK = RuleSpec(
    "VG0402",
    Severity.CRITICAL,
    "external data are a link or no regular file",
    "A link inside the folder leads to any file of the machine that opens the model; a pipe or a device never ends.",
    "replace the link by the file",
    "CVE-2026-27489, CVE-2026-34446 (onnx#7717)",
)
RANGE = RuleSpec(
    "VG0403",
    Severity.HIGH,
    "external data begin or end outside their file, or are not as long as the tensor",
    "A reader that trusts offset and length reads other memory than the weights, or crashes.",
    _EXPORT,
    "CWE-125, CWE-130",
)
WRONG_FILE = RuleSpec(
    "VG0404",
    Severity.HIGH,
    "external data are missing or are the model file itself",
    "Weights that come from somewhere else than the scan saw are not the ones that were vetted.",
    "copy the model together with its data files",
    "onnx docs/ExternalData.md",
)
KEY = RuleSpec(
    "VG0405",
    Severity.HIGH,
    "external data carry a key that the format does not know, or one twice",
    "Some readers set each key as an attribute of a Python object, others take the first or the last of two.",
    _EXPORT,
    "CVE-2026-34445 (ExternalDataInfo sets every key as an attribute)",
)
CUSTOM = RuleSpec(
    "VG0406",
    Severity.HIGH,
    "operator of a custom domain",
    "It runs native code of a library that somebody must register with the runtime first; nobody here vouches for it.",
    "export the model with standard operators, or vet the library by itself",
    "ONNX Runtime custom operators",
)
FOREIGN = RuleSpec(
    "VG0407",
    Severity.CRITICAL,
    "operator that calls back into Python or another framework",
    "PyOp and ATen run whatever code its attributes name, with the rights of who opens the model.",
    _ASK,
    "ONNX Runtime PyOp, PythonOp; org.pytorch.aten; onnxruntime-extensions",
)
COMPILED = RuleSpec(
    "VG0408",
    Severity.HIGH,
    "operator that holds or names code compiled for an accelerator",
    "An EPContext node hands an opaque blob, or the path of one, to a driver; nothing of it can be read or compared.",
    "vet the model from which it was compiled",
    "ONNX Runtime EPContext",
)
RECURSIVE = RuleSpec(
    "VG0409",
    Severity.HIGH,
    "functions of the model call each other in a circle or unfold to too many nodes",
    "Runtimes unfold functions first: a circle never ends, and some kilobytes become billions of nodes.",
    _EXPORT,
    "CWE-674, CWE-776",
)
SHADOW = RuleSpec(
    "VG0410",
    Severity.HIGH,
    "a function of the model takes the name of a standard operator or is defined twice",
    "Readers differ in whether the function or the operator counts, so what is vetted need not be what is deployed.",
    _EXPORT,
    "CWE-436",
)
NESTED = RuleSpec(
    "VG0411",
    Severity.HIGH,
    "graphs or types are nested too deeply, or are too many",
    "Readers recurse into them and run out of stack.",
    _EXPORT,
    "CWE-674",
)
ENDLESS = RuleSpec(
    "VG0412",
    Severity.HIGH,
    "a loop that does not end in reasonable time",
    "Loops with huge constant counts, or with a condition that is always true, keep the device busy for ever.",
    _EXPORT,
    "CWE-835",
)
TENSOR = RuleSpec(
    "VG0413",
    Severity.HIGH,
    "a tensor's bytes do not fit its shape and type",
    "A reader that trusts the shape allocates what the file asks for, or reads past the end of the bytes.",
    _EXPORT,
    "CWE-789, CWE-125",
)
GIANT = RuleSpec(
    "VG0415",
    Severity.HIGH,
    "a small file asks for giant tensors",
    "ConstantOfShape, Expand, Tile, Range and their kin turn a few bytes into all of the memory.",
    _EXPORT,
    "CWE-400, CWE-789",
)
DAMAGED = RuleSpec(
    "VG0416",
    Severity.HIGH,
    "the file is no well-formed ONNX message",
    "What one parser refuses another may accept; from the damage on, nothing was read.",
    "export, convert or copy it again",
    "CWE-436",
)
UNKNOWN = RuleSpec(
    "VG0417",
    Severity.MEDIUM,
    "fields that ONNX does not know",
    "Parsers keep or drop them in silence: a place for a payload, or for a second format in the same file.",
    "open and save the model once with the onnx package, which tells whether anything is lost",
    "onnx.proto",
)
TEXT = RuleSpec(
    "VG0418",
    Severity.HIGH,
    "texts are huge or steer a terminal",
    "Names and metadata are shown in logs and reports: control sequences forge what is read there, megabytes choke it.",
    "remove the metadata, and save the model again",
    "CWE-150, CWE-400",
)
TRAINING = RuleSpec(
    "VG0419",
    Severity.HIGH,
    "the file carries graphs for training or settings for the runtime",
    "An inference runtime leaves the one aside and obeys the other; neither belongs to a model that is rolled out.",
    "export the model for inference",
    "onnx.proto TrainingInfoProto; ONNX Runtime ort_config",
)
VERSION = RuleSpec(
    "VG0420",
    Severity.HIGH,
    "impossible or contradictory version of ONNX or of an operator set",
    "What the operators mean is told by these numbers alone.",
    _EXPORT,
    "onnx.proto",
)
SPARSE = RuleSpec(
    "VG0421",
    Severity.HIGH,
    "a sparse tensor's indices lead outside of it",
    "A reader that trusts them writes outside of the memory that it reserved.",
    _EXPORT,
    "CWE-787",
)
TWICE = RuleSpec(
    "VG0422",
    Severity.HIGH,
    "a field that exists once is given twice",
    "Parsers merge the two or take one of them: the file reads differently in different hands.",
    _EXPORT,
    "CWE-436",
)
ORT = RuleSpec(
    "VG0423",
    Severity.HIGH,
    "ONNX Runtime's own format",
    "An .ort file is a graph after optimisation, with operators of one build of the runtime; nobody here reads it.",
    "vet the ONNX file from which it was made",
    "ONNX Runtime .ort",
)
CONDITIONAL = RuleSpec(
    "VG0424",
    Severity.LOW,
    "a loop ends by its own condition alone",
    "How long it runs depends on the image; the time limit of the gate is what ends it here.",
    "measure its latency on images that you choose",
    "CWE-834",
)

RULES = (
    OUTSIDE, LINK, RANGE, WRONG_FILE, KEY, CUSTOM, FOREIGN, COMPILED, RECURSIVE, SHADOW, NESTED, ENDLESS, TENSOR, GIANT,
    DAMAGED, UNKNOWN, TEXT, TRAINING, VERSION, SPARSE, TWICE, ORT, CONDITIONAL,
)  # fmt: skip
