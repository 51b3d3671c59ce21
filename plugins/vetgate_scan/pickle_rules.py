"""What may be found in a pickle."""

from __future__ import annotations

from vetgate.api import RuleSpec, Severity

_SAVE_WEIGHTS = (
    "save the weights alone, torch.save(model.state_dict(), FILE), and name the architecture; "
    "or export the model with torch.export.save or torch.onnx.export"
)
_DELETE = "do not open the file anywhere; ask whoever made it how it was made, and get it again from the source"

DANGEROUS_IMPORT = RuleSpec(
    "VG0101",
    Severity.CRITICAL,
    "a pickle imports what runs commands, code or opens files",
    "Whoever unpickles the file runs what its author chose, with the rights of that process, before any model exists.",
    _DELETE,
    "CVE-2025-1716, CVE-2025-10157, CWE-502; https://docs.python.org/3/library/pickle.html",
)
UNKNOWN_IMPORT = RuleSpec(
    "VG0102",
    Severity.HIGH,
    "a pickle imports a name that is not on the allow-list",
    "Importing runs code of that module, and a callable that nobody looked at may do anything with the values it is "
    "given. Lists of what is forbidden were evaded again and again, so only what checkpoints need is allowed.",
    _SAVE_WEIGHTS,
    "CVE-2025-1716, CVE-2025-10157, CVE-2025-71325, CVE-2026-56315",
)
COMPUTED_IMPORT = RuleSpec(
    "VG0103",
    Severity.CRITICAL,
    "a pickle imports a name that it computes",
    "The name is not written in the file but put together while it is loaded, which serves to hide it from scanners.",
    _DELETE,
    "CWE-502; PEP 3154, STACK_GLOBAL",
)
CALLS_OBJECT = RuleSpec(
    "VG0104",
    Severity.HIGH,
    "a pickle calls what no checkpoint calls, or with arguments that none gives",
    "Calling an object that the pickle itself built, or a harmless function with odd arguments, is how chains of "
    "harmless imports become code.",
    _SAVE_WEIGHTS,
    "CWE-502",
)
BUILDS_GLOBAL = RuleSpec(
    "VG0105",
    Severity.HIGH,
    "a pickle changes the attributes of something that it imported",
    "A class or function that is changed stays changed for the whole process: code that runs later is replaced.",
    _DELETE,
    "CWE-915",
)
EXTENSION = RuleSpec(
    "VG0106",
    Severity.HIGH,
    "a pickle imports by a number of the extension registry",
    "What the number means depends on the process that loads the file; no checkpoint uses it.",
    _SAVE_WEIGHTS,
    "PEP 307",
)
PERSISTENT_ID = RuleSpec(
    "VG0107",
    Severity.HIGH,
    "a pickle refers to something outside of itself that is no tensor storage",
    "What the loader fetches for such a reference is decided by the file.",
    _SAVE_WEIGHTS,
    "torch.serialization.persistent_load",
)
MALFORMED = RuleSpec(
    "VG0108",
    Severity.HIGH,
    "a pickle breaks off or is malformed",
    "Loading runs each instruction as it comes: what stands before the break has run when the error is raised, and "
    "a scanner that gives up at the break saw nothing.",
    "copy or export the file again; if it breaks at the same byte, do not open it",
    "https://www.reversinglabs.com/blog/rl-identifies-malware-ml-model-hosted-on-hugging-face",
)
TRAILING = RuleSpec(
    "VG0109",
    Severity.HIGH,
    "bytes follow the end of a pickle",
    "They may be a second pickle that another loader, or a second call, runs; nothing that PyTorch writes has them.",
    "export the file again",
    "CWE-502; pickle.load may be called again on the same file",
)
NO_PICKLER = RuleSpec(
    "VG0110",
    Severity.HIGH,
    "a pickle holds instructions that no pickler writes",
    "It was made by hand. Setting items of what is no dict corrupted memory of loaders that were held to be safe; "
    "memo entries with huge numbers take all memory.",
    _DELETE,
    "CVE-2026-24747 (torch.load with weights_only before PyTorch 2.10)",
)
TOO_LONG = RuleSpec(
    "VG0111",
    Severity.HIGH,
    "a pickle is too long to be followed",
    "It has more instructions than the scan follows; checkpoints have some 30 a tensor.",
    "keep what is not weights out of the checkpoint",
    "CWE-400",
)
OBSOLETE = RuleSpec(
    "VG0112",
    Severity.HIGH,
    "a pickle uses the instructions INST or OBJ, which no pickler has written since Python 2",
    "They import and call in one step and are known from files that evade scanners.",
    _DELETE,
    "https://docs.python.org/3/library/pickletools.html",
)
OBJECT_ARRAY = RuleSpec(
    "VG0113",
    Severity.MEDIUM,
    "a NumPy file holds Python objects",
    "They are a pickle, and numpy.load(allow_pickle=True) runs it.",
    "save arrays of numbers or fixed-length text",
    "CVE-2019-6446",
)
OUT_OF_PLACE = RuleSpec(
    "VG0114",
    Severity.HIGH,
    "a pickle that imports lies where none belongs",
    "Nothing that made the format writes it there; another loader, or a second pickle, may be told to read it.",
    _DELETE,
    "CVE-2025-1889, CVE-2025-10155",
)
PICKLE_RULES = (
    DANGEROUS_IMPORT,
    UNKNOWN_IMPORT,
    COMPUTED_IMPORT,
    CALLS_OBJECT,
    BUILDS_GLOBAL,
    EXTENSION,
    PERSISTENT_ID,
    MALFORMED,
    TRAILING,
    NO_PICKLER,
    TOO_LONG,
    OBSOLETE,
    OBJECT_ARRAY,
    OUT_OF_PLACE,
)
