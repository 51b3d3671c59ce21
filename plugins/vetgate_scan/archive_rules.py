"""What may be found in an archive."""

from __future__ import annotations

from vetgate.api import RuleSpec, Severity

_AGAIN = "export or pack the file again with the library that made it"
_DELETE = "do not unpack it; ask whoever made it how it was made, and get it again from the source"

DAMAGED = RuleSpec(
    "VG0201",
    Severity.HIGH,
    "an archive is damaged or truncated",
    "Parsers differ in what they make of a damaged archive, so what one of them showed another may not see.",
    "copy or convert it again",
    "CWE-436",
)
BOMB = RuleSpec(
    "VG0202",
    Severity.HIGH,
    "an archive expands to far more than its size (zip bomb)",
    "Whoever unpacks it runs out of memory or disk.",
    _DELETE,
    "CWE-409; https://www.bamsoftware.com/hacks/zipbomb/",
)
TRAVERSAL = RuleSpec(
    "VG0203",
    Severity.HIGH,
    "a member of an archive is named outside of its folder (zip slip)",
    "Unpacking writes wherever the name leads: over start-up files, keys or other models.",
    _DELETE,
    "CVE-2007-4559, CVE-2018-1002200, CWE-22; https://security.snyk.io/research/zip-slip-vulnerability",
)
LINK = RuleSpec(
    "VG0204",
    Severity.HIGH,
    "a member of an archive is a link or a device",
    "What is written to or read from it later goes wherever the link leads.",
    _DELETE,
    "CVE-2025-4517, CWE-59",
)
DUPLICATE = RuleSpec(
    "VG0205",
    Severity.HIGH,
    "two members of an archive have one name",
    "Some parsers take the first, others the last: what is scanned and what is loaded differ.",
    _AGAIN,
    "CWE-436, CVE-2013-4787",
)
MISMATCH = RuleSpec(
    "VG0206",
    Severity.HIGH,
    "the directory of an archive and the headers of its members disagree",
    "Parsers that trust the one see another file than those that trust the other.",
    _AGAIN,
    "CVE-2025-1944",
)
ENCRYPTED = RuleSpec(
    "VG0207",
    Severity.HIGH,
    "a member of an archive is marked as encrypted, or by flags that nobody uses",
    "What is encrypted cannot be scanned; and PyTorch ignores the mark, so that a false one blinds scanners alone.",
    _AGAIN,
    "CVE-2025-1945",
)
METHOD = RuleSpec(
    "VG0208",
    Severity.HIGH,
    "a member is packed in a way that the scan does not read",
    "Nothing is known of its content.",
    "pack it plain, or with zip's deflate",
    "CWE-693",
)
COUNT = RuleSpec(
    "VG0209",
    Severity.HIGH,
    "an archive holds an absurd number of members",
    "Each costs whoever opens it memory and time.",
    _AGAIN,
    "CWE-400",
)
DEPTH = RuleSpec(
    "VG0210",
    Severity.HIGH,
    "archives are nested too deeply to be followed",
    "Nesting hides content, and multiplies what unpacking takes.",
    _AGAIN,
    "CWE-409",
)
HIDDEN = RuleSpec(
    "VG0211",
    Severity.HIGH,
    "an archive holds bytes that belong to no member",
    "Before, between or behind its members there is room for a second archive, which other parsers find.",
    _AGAIN,
    "CWE-436",
)
MACHINE_CODE = RuleSpec(
    "VG0212",
    Severity.HIGH,
    "a member is a program or a library of machine code",
    "Loaders of packages link it into their process, which runs it.",
    "export the model without compiled parts",
    "torch._inductor.aoti_load_package",
)
FOREIGN = RuleSpec(
    "VG0213",
    Severity.HIGH,
    "a file is packed by a program whose archives the scan does not read (7z, RAR, Zstandard, LZ4)",
    "Nothing is known of its content, and evaders pack models so, for scanners skip it.",
    "unpack it and vet what is inside",
    "https://www.reversinglabs.com/blog/rl-identifies-malware-ml-model-hosted-on-hugging-face",
)
CHECKSUM = RuleSpec(
    "VG0214",
    Severity.LOW,
    "a member's checksum does not fit its content",
    "It was changed after it was packed, or written without checksums; scanners that insist on them see nothing.",
    _AGAIN,
    "CVE-2025-10156",
)
ARCHIVE_RULES = (
    DAMAGED,
    BOMB,
    TRAVERSAL,
    LINK,
    DUPLICATE,
    MISMATCH,
    ENCRYPTED,
    METHOD,
    COUNT,
    DEPTH,
    HIDDEN,
    MACHINE_CODE,
    FOREIGN,
    CHECKSUM,
)
