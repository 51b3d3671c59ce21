"""What may be found in a safetensors file, VG06xx."""

from __future__ import annotations

from vetgate.api import RuleSpec, Severity

_SAVE = "save the weights again with the safetensors package"

HEADER = RuleSpec(
    "VG0601",
    Severity.HIGH,
    "the header is longer than the file or than any honest one",
    "A reader that trusts the first eight bytes allocates what they say.",
    _SAVE,
    "Hugging Face safetensors audit (Trail of Bits, 2023); CWE-789",
)
JSON = RuleSpec(
    "VG0602",
    Severity.HIGH,
    "the header is no plain JSON object, or names something twice",
    "Readers differ in which of two entries counts, and in what else they take for JSON.",
    _SAVE,
    "safetensors format; CWE-436",
)
OFFSETS = RuleSpec(
    "VG0603",
    Severity.HIGH,
    "tensors overlap, leave holes or lie outside the file",
    "Offsets outside read other memory; in holes a second file can hide.",
    _SAVE,
    "Hugging Face safetensors audit (Trail of Bits, 2023)",
)
SHAPE = RuleSpec(
    "VG0604",
    Severity.HIGH,
    "a tensor's bytes do not fit its shape and type",
    "A reader that trusts the shape reads past the end of the bytes.",
    _SAVE,
    "safetensors format; CWE-125",
)
METADATA = RuleSpec(
    "VG0605",
    Severity.HIGH,
    "the metadata are huge or no pairs of texts",
    "Metadata are shown and stored by many tools; some of them run what they expect to find there.",
    _SAVE,
    "safetensors format",
)
TRAILING = RuleSpec(
    "VG0606",
    Severity.HIGH,
    "data follow the last tensor",
    "Nothing in the header tells of them: a place for a second file.",
    _SAVE,
    "safetensors format; Hugging Face safetensors audit (Trail of Bits, 2023)",
)
RULES = (HEADER, JSON, OFFSETS, SHAPE, METADATA, TRAILING)
