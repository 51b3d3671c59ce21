"""What may be found in PyTorch's files."""

from __future__ import annotations

from vetgate.api import RuleSpec, Severity

_EXPORT = "export the model again with torch.export.save, or as ONNX with torch.onnx.export"

UNEXPECTED_MEMBER = RuleSpec(
    "VG0301",
    Severity.MEDIUM,
    "an archive of PyTorch holds a member that PyTorch does not write",
    "Nothing that PyTorch does needs it; it may be meant for another loader.",
    "save the file again with torch.save, torch.jit.save or torch.export.save",
)
STORAGE_SIZE = RuleSpec(
    "VG0302",
    Severity.HIGH,
    "a checkpoint states another size for a tensor's storage than it holds",
    "Loaders that trust the stated size read or write memory that is not theirs.",
    "save the file again with torch.save",
    "CVE-2026-24747",
)
SCRIPT_OUTSIDE = RuleSpec(
    "VG0303",
    Severity.CRITICAL,
    "TorchScript code reaches outside of the model",
    "It writes, reads or maps files, calls other machines or touches memory that is not its tensors'; some of it runs "
    "already when the file is loaded.",
    "remove the call from the model's code and save it again",
    "torch.save, torch.from_file and torch.distributed.rpc as TorchScript operators",
)
SCRIPT_ODD = RuleSpec(
    "VG0304",
    Severity.HIGH,
    "TorchScript code is written as PyTorch does not write it",
    "Comments, line continuations and unusual texts hide what is called.",
    "save the program again with torch.jit.save",
)
LEGACY_TAR = RuleSpec(
    "VG0305",
    Severity.HIGH,
    "the file is a checkpoint of PyTorch before 0.1.10 (tar)",
    "Loading it bypassed weights_only and ran code.",
    "load it in an old, isolated PyTorch and save the weights again",
    "CVE-2025-32434",
)
PACKAGE = RuleSpec(
    "VG0306",
    Severity.HIGH,
    "the file carries Python code (torch.package)",
    "Importing from it executes that code; no weights_only, allow-list or sandbox stands in between.",
    _EXPORT,
    "https://docs.pytorch.org/docs/stable/package.html",
)
COMPILED = RuleSpec(
    "VG0307",
    Severity.CRITICAL,
    "an exported program carries compiled code or its source",
    "Loading links it into the process, which runs it.",
    _EXPORT,
    "torch._inductor.aoti_load_package",
)
EXPORT_OBJECT = RuleSpec(
    "VG0308",
    Severity.HIGH,
    "an exported program carries pickled objects",
    "torch.export.load unpickles them without weights_only.",
    _EXPORT,
    "torch/export/pt2_archive/_package.py: custom_obj_, opaque_obj_, use_pickle",
)
EXPORT_TEXT = RuleSpec(
    "VG0309",
    Severity.CRITICAL,
    "the graph of an exported program holds a text that is executed as code",
    "torch.export.load evaluates sizes and guards, and pastes names into source code that it runs.",
    _EXPORT,
    "torch/_export/serde/serialize.py: sympify; _guards_fn",
)
EXPORT_CALL = RuleSpec(
    "VG0310",
    Severity.HIGH,
    "the graph of an exported program calls what is no tensor operator",
    "Operators are looked up by name anywhere below torch and called: a program can save, load or print.",
    _EXPORT,
)
EXPORT_LAYOUT = RuleSpec(
    "VG0311",
    Severity.HIGH,
    "an exported program holds no program, several, or one that cannot be read",
    "Which one is loaded depends on who loads it.",
    "save one program with torch.export.save",
)
TWO_ROOTS = RuleSpec(
    "VG0312",
    Severity.HIGH,
    "an archive of PyTorch has members in several folders",
    "PyTorch reads one of them, scanners may read the other.",
    "save the file again with torch.save",
    "CWE-436",
)
SCRIPT_OBJECT = RuleSpec(
    "VG0313",
    Severity.HIGH,
    "a TorchScript program holds an object of a class that is no packed weight",
    "Such objects run native code when they are loaded, and reach the network or files.",
    "save the model without it",
    "torch.classes",
)
LEGACY_LAYOUT = RuleSpec(
    "VG0314",
    Severity.HIGH,
    "an older checkpoint does not hold the five pickles and the storages that PyTorch writes",
    "Loading stops in the middle or reads other bytes than were scanned.",
    "save the file again with torch.save",
)
TORCH_RULES = (
    UNEXPECTED_MEMBER,
    STORAGE_SIZE,
    SCRIPT_OUTSIDE,
    SCRIPT_ODD,
    LEGACY_TAR,
    PACKAGE,
    COMPILED,
    EXPORT_OBJECT,
    EXPORT_TEXT,
    EXPORT_CALL,
    EXPORT_LAYOUT,
    TWO_ROOTS,
    SCRIPT_OBJECT,
    LEGACY_LAYOUT,
)
