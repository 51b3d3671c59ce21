"""Files that are two things at once, programs among models, known bad digests, and code that cards name."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import TensorProto, helper, numpy_helper
from vetgate_scan.digest_scanner import DigestScanner, read_list

from vetgate.api import Artifact, CardError, Finding, Member, ScanContext, UsageError
from vetgate.artifacts.cards import parse_card
from vetgate.cli.scan import command
from vetgate.testing.scanner import Sample

Scan = Callable[[Sample], tuple[Finding, ...]]
ELF = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHI", 3, 62, 1) + bytes(40)
PE = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + struct.pack("<H", 0x8664) + bytes(40)
MACH = struct.pack("<IIII", 0xFEEDFACF, 0x0100000C, 0, 2) + bytes(40)


def onnx_of(held: bytes = b"", producer: str = "honest") -> bytes:
    values = np.frombuffer(held + bytes(-len(held) % 4) or bytes(16), np.float32)
    graph = helper.make_graph(
        [helper.make_node("Relu", ["image"], ["scores"])],
        "graph",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 4])],
        [TensorProto(name="w", data_type=1, dims=[len(values)], raw_data=values.tobytes())],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], producer_name=producer)
    return bytes(model.SerializeToString())


def zipped() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("run.py", "open('mark', 'w')")
    return made.getvalue()


def unknown(content: bytes) -> bytes:
    """Return content as a field of protobuf that no parser of ONNX knows."""
    return b"\xfa\x7f" + bytes([len(content) & 0x7F | 0x80, len(content) >> 7]) + content


def safetensors_of(content: bytes) -> bytes:
    header = {"w": {"dtype": "U8", "shape": [len(content)], "data_offsets": [0, len(content)]}}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + content


HARMFUL: dict[str, tuple[str, bytes]] = {
    "onnx_and_zip": ("VG0803", onnx_of() + unknown(zipped())),
    "onnx_whose_weights_end_in_a_zip": ("VG0803", onnx_of(zipped())),
    "onnx_and_windows_program": ("VG0802", onnx_of() + unknown(PE)),
    "onnx_with_a_program_among_the_weights": ("VG0802", onnx_of(bytes(64) + ELF)),
    "onnx_with_a_macos_program_among_the_weights": ("VG0802", onnx_of(bytes(64) + MACH)),
    "onnx_and_page": ("VG0803", onnx_of(producer="<script>alert(1)</script>")),
    "onnx_and_pdf": ("VG0803", onnx_of(producer="%PDF-1.7")),
    "safetensors_with_a_program_among_the_weights": ("VG0802", safetensors_of(ELF)),
    "safetensors_and_zip": ("VG0803", safetensors_of(zipped())),
    "script_named_as_a_model": ("VG0801", b"#!/bin/sh\ntouch mark\n"),
    "linux_program_named_as_a_model": ("VG0801", ELF),
    "windows_program_named_as_a_model": ("VG0801", PE),
    "macos_program_named_as_a_model": ("VG0801", MACH),
    "zip_with_data_before_it": ("VG0804", b"PK\x03\x04" + bytes(60) + zipped()),
    "zip_behind_a_page": ("VG0803", b"<html><body>model</body></html>" + zipped()),
    "zip_with_data_behind_it": ("VG0804", zipped()[:-2] + struct.pack("<H", 0) + b"\0" * 32 + ELF),
}


@pytest.mark.parametrize("name", HARMFUL)
def test_technique_is_flagged_and_nothing_is_run(
    name: str, tmp_path: Path, watched: Scan, is_grave: Callable[[Finding], bool]
) -> None:
    rule, content = HARMFUL[name]
    path = tmp_path / "model" / "model.onnx"
    path.parent.mkdir()
    path.write_bytes(content)
    found = watched(Sample(path))
    assert rule in {finding.rule for finding in found if is_grave(finding)}, found


def artifact_of(path: Path) -> ScanContext:
    data = path.read_bytes()
    member = Member(name=path.name, sha256=hashlib.sha256(data).hexdigest(), size=len(data))
    artifact = Artifact(path=str(path), name=str(path), format="onnx", backend="onnx", members=(member,))
    return ScanContext(artifact, "onnx", seconds=60.0, memory=2_000_000_000)


def test_a_file_on_the_users_list_is_found_and_its_neighbour_is_not(tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.onnx", tmp_path / "good.onnx"
    bad.write_bytes(onnx_of(b"bad!"))
    good.write_bytes(onnx_of(b"good"))
    known = artifact_of(bad)
    listed = f"version: 1\ndigests:\n  '{known.artifact.members[0].sha256.upper()}': seen in the wild\n"
    found = DigestScanner().scan(replace(known, bad_digests=listed))
    assert [finding.rule for finding in found] == ["VG0901"]
    assert "seen in the wild" in found[0].message
    assert DigestScanner().scan(replace(artifact_of(good), bad_digests=listed)) == ()


def test_the_gate_hands_the_users_list_to_its_scanner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx_of(b"bad!"))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    (tmp_path / "bad.yaml").write_text(f"version: 1\ndigests: {{'{digest}': seen in the wild}}\n")
    clean = CliRunner().invoke(command, ["model.onnx"], standalone_mode=False)
    (tmp_path / "vetgate.yaml").write_text("bad_digests: bad.yaml\n")
    found = CliRunner().invoke(command, ["model.onnx"], standalone_mode=False)
    assert (clean.return_value, found.return_value) == (0, 1)
    assert "VG0901" in found.output


@pytest.mark.parametrize("text", ["digests: {}", "version: 1", "version: 1\ndigests: {a: x}", "- a", "version: [", ""])
def test_a_list_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        read_list(text, "list.yaml")


CONFIGS = {
    "transformers_auto_map": ("config.json", {"auto_map": {"AutoModel": "modeling_x.Model"}}, "VG0902"),
    "transformers_processor": ("preprocessor_config.json", {"auto_map": {"AutoImageProcessor": "evil--p.P"}}, "VG0902"),
    "trust_remote_code": ("config.json", {"model": {"trust_remote_code": True}}, "VG0902"),
    "torch_hub": ("config.json", {"backbone": "torch.hub.load('evil/repo', 'model')"}, "VG0902"),
    "code_by_address": ("config.json", {"loader": "https://example.org/model.py"}, "VG0902"),
    "card": ("model.onnx.yaml", {"version": 1, "architecture": "os:system"}, "VG0903"),
    "card_with_a_file": ("model.onnx.yaml", {"version": 1, "architecture": "./evil.py:make"}, "VG0903"),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_code_that_a_neighbour_names_is_flagged(
    name: str, tmp_path: Path, watched: Scan, is_grave: Callable[[Finding], bool]
) -> None:
    file, content, rule = CONFIGS[name]
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx_of())
    (tmp_path / file).write_text(json.dumps(content))
    assert rule in {finding.rule for finding in watched(Sample(path, "onnx")) if is_grave(finding)}


def test_an_alias_bomb_in_a_card_is_told_and_not_unfolded(tmp_path: Path, scan: Scan) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx_of())
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x]"]
    lines += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 8)}]" for k in range(1, 30)]
    (tmp_path / "model.onnx.yaml").write_text("\n".join(lines))
    assert {finding.rule for finding in scan(Sample(path, "onnx"))} == {"VG0904"}


def test_the_gate_itself_refuses_a_card_that_names_code() -> None:
    card = "version: 1\narchitecture: os:system\ninput: {size: [8, 8]}\noutput: {kind: logits}\n"
    with pytest.raises(CardError, match="architecture"):
        parse_card(card, "card.yaml")


def test_random_weights_are_never_taken_for_programs_or_archives(tmp_path: Path, scan: Scan) -> None:
    path = tmp_path / "model.onnx"
    values = np.random.default_rng(0).integers(0, 2**32, 4 << 20, np.uint32).view(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Relu", ["image"], ["scores"])],
        "graph",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 4])],
        [numpy_helper.from_array(values, "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]), str(path))
    assert scan(Sample(path, "onnx")) == ()
