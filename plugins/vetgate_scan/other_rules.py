"""What may be found in any file: polyglots, VG08xx; known bad digests and cards that name code, VG09xx."""

from __future__ import annotations

from vetgate.api import RuleSpec, Severity

PROGRAM = RuleSpec(
    "VG0801",
    Severity.CRITICAL,
    "the file is, or begins like, a program or a script",
    "Whoever starts it by its name or hands it to a shell runs it; nothing of a model begins so.",
    "do not open it; ask where it comes from",
    "CWE-434",
)
INSIDE = RuleSpec(
    "VG0802",
    Severity.CRITICAL,
    "a program is hidden inside the file",
    "Weights and metadata are a place to bring a program past mail and download filters; a second stage picks it up.",
    "do not open it; ask where it comes from",
    "CWE-506",
)
TWO_FORMATS = RuleSpec(
    "VG0803",
    Severity.HIGH,
    "the file is two formats at once",
    "One tool vets the model that it sees, another one opens the archive or the page in the same bytes.",
    "export the model again from a source that you trust",
    "CWE-436, polyglot files",
)
APPENDED = RuleSpec(
    "VG0804",
    Severity.HIGH,
    "data stand before the begin or behind the end of an archive",
    "Zip readers pass over them, other readers do not: what is in them was not vetted.",
    "save the model again",
    "CWE-436",
)
BAD = RuleSpec(
    "VG0901",
    Severity.CRITICAL,
    "the file is on a list of known bad ones",
    "Somebody looked at exactly these bytes before, and found them malicious.",
    "delete it, and look where else it came in",
    "the list that the gate carries, or yours",
)
REMOTE = RuleSpec(
    "VG0902",
    Severity.HIGH,
    "a configuration beside the model names code to be loaded",
    "auto_map, custom pipelines and torch hub entries make libraries import or download code of the model's author.",
    "load the model by a library's own class, without trust_remote_code",
    "Transformers trust_remote_code; torch.hub",
)
CARD = RuleSpec(
    "VG0903",
    Severity.HIGH,
    "the card names code as its architecture",
    "A card comes with the model: code that it names is code of the model's author.",
    "read the code, then name it yourself with --architecture",
    "vetgate cards",
)
UNREADABLE = RuleSpec(
    "VG0904",
    Severity.MEDIUM,
    "a configuration beside the model cannot be read",
    "What another reader makes of it, such as code to be loaded, is unknown here.",
    "mend or remove it",
    "CWE-436",
)
POLYGLOT_RULES = (PROGRAM, INSIDE, TWO_FORMATS, APPENDED)
DIGEST_RULES = (BAD,)
CARD_RULES = (REMOTE, CARD, UNREADABLE)
