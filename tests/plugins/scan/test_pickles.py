"""Hostile pickles, built here: each would write a mark if it ran. One test a technique, named after its advisory."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vetgate.api import Finding
from vetgate.testing.scanner import Payload, Sample

Scan = Callable[[Sample], tuple[Finding, ...]]
Build = Callable[[Path, Path], Sample]

HARMFUL: dict[str, tuple[str, Build]] = {}
"""Technique -> the rule that it breaks, and what builds it in a folder."""


def technique(rule: str) -> Callable[[Build], Build]:
    def register(build: Build) -> Build:
        HARMFUL[build.__name__] = (rule, build)
        return build

    return register


def library(name: str) -> Any:
    """Return a library that others bring."""
    return pytest.importorskip(name)


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def command(mark: Path) -> bytes:
    return text(f"touch {mark}")


def checkpoint(folder: Path, data: bytes, extra: dict[str, bytes] | None = None) -> Sample:
    """Write a checkpoint of torch.save around a pickle, with PyTorch's own writer."""
    path = folder / "model.pt"
    writer: Any = torch._C.PyTorchFileWriter(str(path))
    for name, content in {"data.pkl": data, "byteorder": b"little", **(extra or {})}.items():
        writer.write_record(name, content, len(content))
    writer.write_end_of_file()
    return Sample(path, "torch-weights")


def load(path: Path) -> None:
    """Load as those do who trust the file."""
    with contextlib.suppress(Exception):
        torch.load(path, weights_only=False)


CALL = b"cposix\nsystem\n"


@technique("VG0101")
def torch_load_runs_what_reduce_names(folder: Path, mark: Path) -> Sample:
    torch.save({"weight": torch.zeros(2), "x": Payload(mark)}, folder / "model.pt")
    return Sample(folder / "model.pt", "torch-weights")


@technique("VG0101")
def an_import_whose_name_travels_through_the_memo(folder: Path, mark: Path) -> Sample:
    names = text("system") + b"\x940" + text("posix") + b"\x940"
    return checkpoint(folder, b"\x80\x04" + names + b"h\x01h\x00\x93" + command(mark) + b"\x85R.")


@technique("VG0112")
def inst_of_protocol_0(folder: Path, mark: Path) -> Sample:
    return checkpoint(folder, b"(S'touch " + str(mark).encode() + b"'\niposix\nsystem\n.")


@technique("VG0112")
def obj_of_protocol_1(folder: Path, mark: Path) -> Sample:
    return checkpoint(folder, b"(" + CALL + command(mark) + b"o.")


@technique("VG0104")
def a_call_of_what_getattr_gave(folder: Path, mark: Path) -> Sample:
    got = b"cbuiltins\ngetattr\n" + b"cbuiltins\n__import__\n" + text("os") + b"\x85R" + text("system") + b"\x86R"
    return checkpoint(folder, b"\x80\x02" + got + command(mark) + b"\x85R.")


@technique("VG0105")
def build_that_changes_a_class(folder: Path, mark: Path) -> Sample:
    state = b"N}" + text("__setstate__") + CALL + b"s\x86"
    changed = b"cargparse\nNamespace\n" + state + b"b0"
    return checkpoint(folder, b"\x80\x02" + changed + b"cargparse\nNamespace\n)\x81" + command(mark) + b"b.")


@technique("VG0106")
def an_import_by_number(folder: Path, mark: Path) -> Sample:
    return checkpoint(folder, b"\x80\x02\x82\x01" + command(mark) + b"\x85R.")


@technique("VG0103")
def an_import_whose_name_is_computed(folder: Path, mark: Path) -> Sample:
    name = b"c_codecs\nencode\n" + text("system") + text("latin1") + b"\x86R"
    return checkpoint(folder, b"\x80\x04" + text("posix") + name + b"\x93" + command(mark) + b"\x85R.")


@technique("VG0108")
def nullifai_a_pickle_that_breaks_after_its_payload(folder: Path, mark: Path) -> Sample:
    return checkpoint(folder, b"\x80\x02" + CALL + command(mark) + b"\x85R0X\xff\xff\xff")


@technique("VG0109")
def a_second_pickle_behind_the_first(folder: Path, mark: Path) -> Sample:
    return checkpoint(folder, pickle.dumps({}, 2) + pickle.dumps(Payload(mark), 2))


@technique("VG0101")
def cve_2025_1716_pip_main(folder: Path, mark: Path) -> Sample:
    arguments = b"](" + text("download") + text("--no-input") + text(f"--log={mark}") + text("./no-such") + b"e\x85"
    return checkpoint(folder, b"\x80\x02cpip\nmain\n" + arguments + b"R.")


@technique("VG0101")
def cve_2025_10157_a_submodule_of_a_dangerous_one(folder: Path, mark: Path) -> Sample:
    called = b"casyncio.unix_events\n_UnixSubprocessTransport._start\n"
    return checkpoint(
        folder, b"\x80\x04" + called + b"}" + command(mark) + b"\x88NNNK\x00t".replace(b"t", b"\x87") + b"R."
    )


@technique("VG0101")
def cve_2026_56315_commands_of_uuid(folder: Path, mark: Path) -> Sample:
    return checkpoint(folder, b"\x80\x02cuuid\n_get_command_stdout\n(" + text("touch") + text(str(mark)) + b"tR.")


@technique("VG0102")
def a_gadget_that_no_list_of_dangers_names(folder: Path, mark: Path) -> Sample:
    # numpy's own test helper is known by now; a package that nobody thought of is not
    return checkpoint(folder, b"\x80\x02cplatformdirs.unix\n_get_user_dirs_folder\n" + command(mark) + b"\x85R.")


@technique("VG0102")
def a_pickled_module_imports_classes_by_name(folder: Path, mark: Path) -> Sample:
    torch.save(torch.nn.Sequential(torch.nn.Linear(2, 2)), folder / "model.pt")
    return Sample(folder / "model.pt", "torch-weights")


@technique("VG0101")
def code_pickled_by_value(folder: Path, mark: Path) -> Sample:
    def touch(value: Path = mark) -> None:
        value.touch()

    return checkpoint(folder, library("cloudpickle").dumps(touch, protocol=4))


@technique("VG0114")
def cve_2025_1889_a_pickle_under_another_name(folder: Path, mark: Path) -> Sample:
    return checkpoint(
        folder, pickle.dumps({}, 2), {"config.p": b"cposix\nsystem\n(S'touch " + str(mark).encode() + b"'\ntR."}
    )


@technique("VG0101")
def cve_2025_10155_a_pickle_with_the_suffix_of_weights(folder: Path, mark: Path) -> Sample:
    (folder / "weights.bin").write_bytes(pickle.dumps(Payload(mark), 4))
    return Sample(folder / "weights.bin")


@technique("VG0110")
def cve_2026_24747_items_set_on_a_tensor(folder: Path, mark: Path) -> Sample:
    buffer = io.BytesIO()
    torch.save(torch.zeros(2), buffer)
    data = zipfile.ZipFile(buffer).read("archive/data.pkl")
    return checkpoint(folder, data.removesuffix(b".") + b"K\x00K\x01s.", {"data/0": bytes(8)})


@technique("VG0302")
def cve_2026_24747_a_storage_smaller_than_stated(folder: Path, mark: Path) -> Sample:
    buffer = io.BytesIO()
    torch.save(torch.zeros(1000), buffer)
    data = zipfile.ZipFile(buffer).read("archive/data.pkl")
    return checkpoint(folder, data, {"data/0": bytes(8)})


@technique("VG0110")
def a_memo_number_that_takes_all_memory(folder: Path, mark: Path) -> Sample:
    return checkpoint(folder, b"\x80\x02}r" + struct.pack("<I", 1 << 31) + b".")


@technique("VG0104")
def a_bytearray_that_takes_all_memory(folder: Path, mark: Path) -> Sample:
    return checkpoint(folder, b"\x80\x02cbuiltins\nbytearray\n\x8a\x06" + (1 << 40).to_bytes(6, "little") + b"\x85R.")


@technique("VG0104")
def a_codec_that_looks_modules_up(folder: Path, mark: Path) -> Sample:
    return checkpoint(folder, b"\x80\x02c_codecs\nencode\n" + text("x") + text("zip") + b"\x86R.")


@technique("VG0104")
def a_rebuild_that_calls_another_function(folder: Path, mark: Path) -> Sample:
    inner = b"(cbuiltins\nbytearray\ncbuiltins\nbytearray\n)}t"
    return checkpoint(folder, b"\x80\x02ctorch._tensor\n_rebuild_from_type_v2\n" + inner + b"R.")


def array_of(kind: bytes, state: bytes) -> bytes:
    """Return a pickle of a NumPy array of one element, its eight bytes chosen, of a type with a state of its own."""
    made = b"cnumpy\ndtype\n(V" + kind + b"\nI00\nI01\ntR" + state + b"b"
    array = b"cnumpy._core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntC\x01btR"
    return b"\x80\x03" + array + b"(I1\n(I1\nt" + made + b"I00\nC\x08AAAAAAAAtb."


OBJECT = b"cnumpy\ndtype\n(VO8\nI00\nI01\ntR(I3\nV|\nNNNI-1\nI-1\nI63\ntb"


@technique("VG0104")
def numpy_objects_whose_pointers_are_bytes_of_the_file(folder: Path, mark: Path) -> Sample:
    return checkpoint(folder, array_of(b"O8", b"(I3\nV|\nNNNI-1\nI-1\nI0\nt"))


@technique("VG0104")
def numpy_bytes_with_a_field_of_objects(folder: Path, mark: Path) -> Sample:
    fields = b"(Va\nt(dVa\n(" + OBJECT + b"I0\nts"
    return checkpoint(folder, array_of(b"V8", b"(I3\nV|\nN" + fields + b"I8\nI1\nI0\nt"))


@technique("VG0104")
def numpy_bytes_that_are_rows_of_objects(folder: Path, mark: Path) -> Sample:
    return checkpoint(folder, array_of(b"V8", b"(I3\nV|\n(" + OBJECT + b"(I1\nttNNI8\nI1\nI0\nt"))


@technique("VG0107")
def a_persistent_id_that_names_a_module(folder: Path, mark: Path) -> Sample:
    reference = b"(" + text("module") + b"ccollections\nOrderedDict\n" + text("x.py") + text("") + b"tQ"
    return checkpoint(folder, b"\x80\x02" + reference + b".")


@technique("VG0111")
def more_instructions_than_anybody_follows(folder: Path, mark: Path) -> Sample:
    return checkpoint(folder, b"\x80\x02" + b"N0" * 1_010_000 + b"N.")


def legacy(*parts: bytes) -> bytes:
    """Return an older checkpoint of one tensor, its pickles replaced from the front."""
    buffer = io.BytesIO()
    torch.save({"weight": torch.zeros(2)}, buffer, _use_new_zipfile_serialization=False)
    data = buffer.getvalue()
    pickles, stream = [], io.BytesIO(data)
    for _ in range(3):
        start = stream.tell()
        pickle.load(stream)
        pickles.append(data[start : stream.tell()])
    rest = data[stream.tell() :]
    return b"".join([*parts, *pickles[len(parts) :]]) + rest


def written(folder: Path, data: bytes, form: str = "torch-weights", name: str = "model.pt") -> Sample:
    (folder / name).write_bytes(data)
    return Sample(folder / name, form)


@technique("VG0101")
def a_payload_in_an_older_checkpoint(folder: Path, mark: Path) -> Sample:
    torch.save({"x": Payload(mark)}, folder / "model.pt", _use_new_zipfile_serialization=False)
    return Sample(folder / "model.pt", "torch-weights")


@technique("VG0101")
def a_payload_in_what_an_older_checkpoint_says_of_its_system(folder: Path, mark: Path) -> Sample:
    kept = legacy()
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, 2)
    assert kept.startswith(magic)
    return written(folder, legacy(magic, pickle.dumps(1001, 2), pickle.dumps(Payload(mark), 2)))


@technique("VG0101")
def a_magic_number_that_is_computed(folder: Path, mark: Path) -> Sample:
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, 2).removeprefix(b"\x80\x02").removesuffix(b".")
    call = CALL + text(f"touch {mark.name}") + b"\x85R0"
    return written(folder, legacy(b"\x80\x02" + magic + call + b"."))


@technique("VG0109")
def a_pickle_behind_the_storages_of_an_older_checkpoint(folder: Path, mark: Path) -> Sample:
    return written(folder, legacy() + pickle.dumps(Payload(mark), 2))


@technique("VG0314")
def an_older_checkpoint_with_another_protocol(folder: Path, mark: Path) -> Sample:
    return written(folder, legacy(pickle.dumps(0x1950A86A20F9469CFC6C, 2), pickle.dumps(1002, 2)))


def tar_checkpoint(mark: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in (
            ("storages", pickle.dumps(0, 2)),
            ("tensors", pickle.dumps(0, 2)),
            ("pickle", pickle.dumps(Payload(mark), 2)),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@technique("VG0305")
def cve_2025_32434_a_tar_checkpoint(folder: Path, mark: Path) -> Sample:
    return written(folder, tar_checkpoint(mark), form="")


@technique("VG0305")
def cve_2025_32434_a_tar_that_begins_as_an_older_checkpoint(folder: Path, mark: Path) -> Sample:
    # a tar begins with the name of its first member, which may be any bytes
    data = bytearray(tar_checkpoint(mark))
    member = tarfile.TarInfo("first")
    header = bytearray(member.tobuf(tarfile.USTAR_FORMAT))
    header[:100] = legacy()[:40].ljust(100, b"\0")
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + 256 + sum(header[156:]))
    return written(folder, bytes(header) + bytes(data))


@technique("VG0113")
def cve_2019_6446_a_numpy_array_of_objects(folder: Path, mark: Path) -> Sample:
    np.save(folder / "array.npy", np.array([Payload(mark)], dtype=object), allow_pickle=True)
    return Sample(folder / "array.npy")


@technique("VG0101")
def an_array_of_objects_in_an_npz(folder: Path, mark: Path) -> Sample:
    np.savez_compressed(folder / "arrays.npz", good=np.zeros(3), bad=np.array([Payload(mark)], dtype=object))
    return Sample(folder / "arrays.npz")


@technique("VG0201")
def a_numpy_header_that_ends_the_parser(folder: Path, mark: Path) -> Sample:
    header = (b"{'descr': " + b"(" * 9000 + b")" * 9000 + b"}").ljust(20_000)
    return written(folder, b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header, "", "array.npy")


@technique("VG0101")
def a_joblib_file(folder: Path, mark: Path) -> Sample:
    library("joblib").dump({"model": Payload(mark)}, folder / "model.joblib")
    return Sample(folder / "model.joblib")


@technique("VG0101")
def a_joblib_file_packed_with_zlib(folder: Path, mark: Path) -> Sample:
    library("joblib").dump({"model": Payload(mark)}, folder / "model.joblib", compress=3)
    return Sample(folder / "model.joblib")


@technique("VG0101")
def a_pickle_packed_with_gzip_within_bzip2(folder: Path, mark: Path) -> Sample:
    return written(folder, bz2.compress(gzip.compress(pickle.dumps(Payload(mark), 4))), "", "model.pkl.gz.bz2")


@technique("VG0101")
def a_checkpoint_within_a_checkpoint(folder: Path, mark: Path) -> Sample:
    buffer = io.BytesIO()
    torch.save(Payload(mark), buffer)
    return checkpoint(folder, pickle.dumps({}, 2), {"data/nested": buffer.getvalue()})


@pytest.mark.parametrize("name", HARMFUL)
def test_it_is_flagged_and_never_runs(
    name: str, tmp_path: Path, scan: Scan, is_grave: Callable[[Finding], bool]
) -> None:
    rule, build = HARMFUL[name]
    mark = tmp_path / "mark"
    (tmp_path / "model").mkdir()
    found = scan(build(tmp_path / "model", mark))
    assert rule in {finding.rule for finding in found}, found
    assert any(map(is_grave, found)), found
    assert not mark.exists()


ARMED = (
    torch_load_runs_what_reduce_names,
    an_import_whose_name_travels_through_the_memo,
    inst_of_protocol_0,
    obj_of_protocol_1,
    a_call_of_what_getattr_gave,
    build_that_changes_a_class,
    nullifai_a_pickle_that_breaks_after_its_payload,
    cve_2026_56315_commands_of_uuid,
    a_payload_in_an_older_checkpoint,
    a_payload_in_what_an_older_checkpoint_says_of_its_system,
)


@pytest.mark.parametrize("build", ARMED, ids=lambda build: build.__name__)
def test_the_payload_is_no_dud(build: Build, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    (tmp_path / "model").mkdir()
    sample = build(tmp_path / "model", mark)
    load(sample.path)
    assert mark.exists()
