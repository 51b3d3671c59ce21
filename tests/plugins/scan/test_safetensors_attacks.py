"""Hostile safetensors files: the header is JSON, so they are written by hand."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vetgate.api import Finding
from vetgate.testing.scanner import Sample

Scan = Callable[[Sample], tuple[Finding, ...]]


def told(shape: list[int], begin: int, end: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def file_of(header: dict[str, Any] | str, data: bytes = bytes(16), length: int | None = None) -> bytes:
    text = (header if isinstance(header, str) else json.dumps(header)).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


W = told([4], 0, 16)
HARMFUL: dict[str, tuple[str, bytes]] = {
    "header_is_longer_than_the_file": ("VG0601", file_of({"w": W}, length=1 << 62)),
    "header_is_longer_than_any": ("VG0601", file_of({"w": W}, data=bytes(9 << 20), length=(9 << 20) + 10)),
    "name_is_given_twice": (
        "VG0602",
        file_of('{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"w":{"dtype":"F64","shape":[2],"data_offsets":[0,16]}}'),
    ),
    "header_is_no_json": ("VG0602", file_of('{"w": __import__("os").system("touch mark")}')),
    "header_is_nested_like_a_bomb": ("VG0602", file_of('{"w":' + "[" * 100_000 + "]" * 100_000 + "}")),
    "header_holds_no_number": ("VG0602", file_of('{"w":{"dtype":"F32","shape":[NaN],"data_offsets":[0,16]}}')),
    "header_holds_unknown_keys": ("VG0602", file_of({"w": {**W, "loader": "os.system"}})),
    "tensors_overlap": ("VG0603", file_of({"w": W, "v": told([4], 8, 24)}, bytes(24))),
    "tensors_leave_a_hole": ("VG0603", file_of({"w": W, "v": told([1], 4096, 4100)}, bytes(4100))),
    "tensor_lies_outside": ("VG0603", file_of({"w": told([4], 1 << 40, (1 << 40) + 16)})),
    "offsets_are_negative": ("VG0603", file_of({"w": told([4], -16, 0)})),
    "offsets_run_backwards": ("VG0603", file_of({"w": told([4], 16, 0)})),
    "shape_is_larger_than_the_bytes": ("VG0604", file_of({"w": told([1 << 30], 0, 16)})),
    "shape_overflows": ("VG0604", file_of({"w": told([1 << 40, 1 << 40], 0, 16)})),
    "type_is_unknown": ("VG0604", file_of({"w": told([4], 0, 16, "PICKLE")})),
    "metadata_are_megabytes": ("VG0605", file_of({"__metadata__": {"a": "x" * (2 << 20)}, "w": W})),
    "metadata_are_objects": ("VG0605", file_of({"__metadata__": {"a": {"py": "code"}}, "w": W})),
    "metadata_steer_the_terminal": ("VG0605", file_of({"__metadata__": {"a": "\x1b[2Jpass"}, "w": W})),
    "data_follow_the_last_tensor": ("VG0606", file_of({"w": W}, bytes(16) + b"cos\nsystem\n(S'touch mark'\ntR.")),
}  # fmt: skip


@pytest.mark.parametrize("name", HARMFUL)
def test_technique_is_flagged(name: str, tmp_path: Path, watched: Scan, is_grave: Callable[[Finding], bool]) -> None:
    rule, content = HARMFUL[name]
    path = tmp_path / "model" / "model.safetensors"
    path.parent.mkdir()
    path.write_bytes(content)
    found = watched(Sample(path, "safetensors"))
    assert rule in {finding.rule for finding in found if is_grave(finding)}, found
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize("length", [0x80, 0x280, 0x10080])
def test_a_header_whose_length_looks_like_a_pickle_raises_no_alarm(length: int, tmp_path: Path, scan: Scan) -> None:
    """0x80 begins pickles, and a header of 128 bytes writes it first."""
    header = json.dumps({"w": W}).ljust(length)
    path = tmp_path / "model.safetensors"
    path.write_bytes(file_of(header))
    assert scan(Sample(path, "safetensors")) == ()
