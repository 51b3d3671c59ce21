"""Hostile archives, built here byte by byte where libraries refuse to."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from vetgate.api import Finding
from vetgate.testing.scanner import Payload, Sample

Scan = Callable[[Sample], tuple[Finding, ...]]
Build = Callable[[Path, Path], Sample]

HARMFUL: dict[str, tuple[str, Build]] = {}


def technique(rule: str) -> Callable[[Build], Build]:
    def register(build: Build) -> Build:
        HARMFUL[build.__name__] = (rule, build)
        return build

    return register


def written(folder: Path, data: bytes, form: str = "", name: str = "model.zip") -> Sample:
    (folder / name).write_bytes(data)
    return Sample(folder / name, form)


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def saved(content: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def headers(data: bytes) -> tuple[int, int]:
    """Return where the first local and the first central header of a zip stand."""
    return data.index(b"PK\x03\x04"), data.index(b"PK\x01\x02")


def changed(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


HARMLESS = {"model/weights.txt": b"1 2 3", "model/readme.txt": b"hello"}


@technique("VG0206")
def cve_2025_1944_the_header_names_another_file_than_the_directory(folder: Path, mark: Path) -> Sample:
    data = saved(Payload(mark))
    return written(folder, data.replace(b"archive/data.pkl", b"archive/data.txt", 1), "torch-weights")


@technique("VG0207")
def cve_2025_1945_a_false_flag_of_encryption(folder: Path, mark: Path) -> Sample:
    data = saved(Payload(mark))
    local, central = headers(data)
    (flags,) = struct.unpack_from("<H", data, central + 8)
    told = struct.pack("<H", flags | 1)
    return written(folder, changed(changed(data, local + 6, told), central + 8, told), "torch-weights")


@technique("VG0214")
def cve_2025_10156_a_wrong_checksum_blinds_nobody(folder: Path, mark: Path) -> Sample:
    data = saved(Payload(mark))
    return written(folder, changed(data, headers(data)[1] + 16, b"\x12\x34\x56\x78"), "torch-weights")


@technique("VG0205")
def cve_2013_4787_two_members_of_one_name(folder: Path, mark: Path) -> Sample:
    buffer = io.BytesIO(saved({"weight": torch.zeros(2)}))
    with zipfile.ZipFile(buffer, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("archive/data.pkl", pickle.dumps(Payload(mark), 2))
    return written(folder, buffer.getvalue(), "torch-weights")


@technique("VG0205")
def two_members_whose_names_differ_in_case(folder: Path, mark: Path) -> Sample:
    buffer = io.BytesIO(saved({"weight": torch.zeros(2)}))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("archive/DATA.PKL", pickle.dumps(Payload(mark), 2))
    return written(folder, buffer.getvalue(), "torch-weights")


@technique("VG0203")
def zip_slip_a_member_named_outside(folder: Path, mark: Path) -> Sample:
    return written(folder, zipped({**HARMLESS, f"../../../..{mark}": b"slipped"}))


@technique("VG0203")
def zip_slip_an_absolute_name(folder: Path, mark: Path) -> Sample:
    return written(folder, zipped({**HARMLESS, str(mark): b"slipped"}))


@technique("VG0203")
def zip_slip_with_backslashes(folder: Path, mark: Path) -> Sample:
    return written(folder, zipped({**HARMLESS, "..\\..\\mark": b"slipped"}))


@technique("VG0204")
def a_link_in_a_zip(folder: Path, mark: Path) -> Sample:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        link = zipfile.ZipInfo("model/link")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, str(mark.parent))
    return written(folder, buffer.getvalue())


def tarred(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


@technique("VG0203")
def cve_2007_4559_a_tar_member_named_outside(folder: Path, mark: Path) -> Sample:
    return written(folder, tarred((entry(f"../../..{mark}"), b"slipped")), name="model.tar")


@technique("VG0203")
def a_long_tar_name_that_leads_outside(folder: Path, mark: Path) -> Sample:
    return written(folder, tarred((entry("a/" * 120 + "../" * 130 + "mark"), b"slipped")), name="model.tar")


@technique("VG0204")
def cve_2025_4517_a_symbolic_link_in_a_tar(folder: Path, mark: Path) -> Sample:
    link = entry("model/link", tarfile.SYMTYPE, str(mark.parent))
    return written(folder, tarred((link, b""), (entry("model/link/mark"), b"written")), name="model.tar")


@technique("VG0204")
def a_hard_link_in_a_tar(folder: Path, mark: Path) -> Sample:
    return written(folder, tarred((entry("model/link", tarfile.LNKTYPE, "/etc/passwd"), b"")), name="model.tar")


@technique("VG0204")
def a_device_in_a_tar(folder: Path, mark: Path) -> Sample:
    return written(folder, tarred((entry("model/zero", tarfile.CHRTYPE), b"")), name="model.tar")


@technique("VG0201")
def cve_2025_8194_a_negative_size_in_a_tar(folder: Path, mark: Path) -> Sample:
    data = bytearray(tarred((entry("first"), b"x"), (entry("second"), b"y")))
    data[1024 + 124 : 1024 + 136] = b"\xff" * 10 + b"\xfc\x00"
    total = sum(data[1024 : 1024 + 148]) + 256 + sum(data[1024 + 156 : 1536])
    data[1024 + 148 : 1024 + 156] = b"%06o\0 " % total
    return written(folder, bytes(data), name="model.tar")


@technique("VG0101")
def a_pickle_in_a_tar_within_xz(folder: Path, mark: Path) -> Sample:
    packed = lzma.compress(tarred((entry("model.pkl"), pickle.dumps(Payload(mark), 4))))
    return written(folder, packed, name="model.tar.xz")


@technique("VG0202")
def a_zip_bomb(folder: Path, mark: Path) -> Sample:
    return written(folder, zipped({"model/zeros": bytes(32 << 20)}, zipfile.ZIP_DEFLATED))


@technique("VG0202")
def a_zip_bomb_of_overlapping_members(folder: Path, mark: Path) -> Sample:
    data = zipped({"model/a": zlib.compress(bytes(1000)), "model/b": b""})
    start = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    return written(folder, changed(data, start + 42, struct.pack("<I", 0)))


@technique("VG0202")
def a_gzip_bomb(folder: Path, mark: Path) -> Sample:
    return written(folder, gzip.compress(bytes(32 << 20)), name="model.gz")


@technique("VG0202")
def a_bomb_of_bombs(folder: Path, mark: Path) -> Sample:
    return written(folder, bz2.compress(gzip.compress(bz2.compress(bytes(32 << 20)))), name="model.bz2")


@technique("VG0202")
def a_stated_size_that_nobody_could_hold(folder: Path, mark: Path) -> Sample:
    data = zipped({"model/a": bytes(100)}, zipfile.ZIP_DEFLATED)
    local, central = headers(data)
    huge = struct.pack("<I", 0xF0000000)
    return written(folder, changed(changed(data, local + 22, huge), central + 24, huge))


@technique("VG0206")
def a_member_that_holds_more_than_it_states(folder: Path, mark: Path) -> Sample:
    data = zipped({"model/a": bytes(100)}, zipfile.ZIP_DEFLATED)
    local, central = headers(data)
    less = struct.pack("<I", 10)
    return written(folder, changed(changed(data, local + 22, less), central + 24, less))


@technique("VG0210")
def archives_in_archives_in_archives(folder: Path, mark: Path) -> Sample:
    data = pickle.dumps(Payload(mark), 4)
    for _ in range(12):
        data = zipped({"inner.zip": data})
    return written(folder, data)


@technique("VG0209")
def an_absurd_number_of_members(folder: Path, mark: Path) -> Sample:
    data = zipped({"a": b""})
    central = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    record, count = data[central:end], 100_001
    size = len(record) * count
    tail64 = b"PK\x06\x06" + struct.pack("<Q2H2I4Q", 44, 45, 45, 0, 0, count, count, size, central)
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, central + size, 1)
    tail = b"PK\x05\x06" + struct.pack("<4H2IH", 0, 0, 0xFFFF, 0xFFFF, size, central, 0)
    return written(folder, data[:central] + record * count + tail64 + locator + tail)


@technique("VG0211")
def a_member_that_only_a_search_for_headers_finds(folder: Path, mark: Path) -> Sample:
    hidden = zipped({"evil.pkl": pickle.dumps(Payload(mark), 2)})
    hidden = hidden[: hidden.index(b"PK\x01\x02")]
    data = zipped(HARMLESS)
    central, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    told = changed(data, end + 16, struct.pack("<I", central + len(hidden)))
    return written(folder, told[:central] + hidden + told[central:])


@technique("VG0211")
def a_zip_that_begins_inside_another(folder: Path, mark: Path) -> Sample:
    first = zipped(HARMLESS)
    return written(folder, first[: first.index(b"PK\x01\x02")] + zipped({"evil.pkl": pickle.dumps(Payload(mark), 2)}))


@technique("VG0211")
def a_second_zip_behind_the_first(folder: Path, mark: Path) -> Sample:
    data = saved({"weight": torch.zeros(2)})
    behind = zipped({"evil.pkl": pickle.dumps(Payload(mark), 2)})
    return written(folder, data[:-2] + struct.pack("<H", len(behind)) + behind, "torch-weights")


@technique("VG0206")
def two_ends_that_state_two_directories(folder: Path, mark: Path) -> Sample:
    data = saved({"weight": torch.zeros(2)})
    end = data.rindex(b"PK\x05\x06")
    return written(folder, changed(data, end + 16, struct.pack("<I", 30)), "torch-weights")


@technique("VG0207")
def an_encrypted_member(folder: Path, mark: Path) -> Sample:
    data = zipped({"model/a": b"what stands here was encrypted"})
    local, central = headers(data)
    told = struct.pack("<H", 1)
    return written(folder, changed(changed(data, local + 6, told), central + 8, told))


@technique("VG0208")
def a_member_packed_as_few_can_read(folder: Path, mark: Path) -> Sample:
    return written(folder, zipped({"model/a": pickle.dumps(Payload(mark), 2)}, zipfile.ZIP_LZMA))


@technique("VG0213")
def nullifai_a_model_packed_as_7z(folder: Path, mark: Path) -> Sample:
    return written(folder, b"7z\xbc\xaf\x27\x1c\0\4" + bytes(60), name="model.pt")


@technique("VG0212")
def a_library_among_the_members(folder: Path, mark: Path) -> Sample:
    return written(folder, zipped({**HARMLESS, "model/kernels": b"\x7fELF\x02\x01\x01" + bytes(60)}))


@technique("VG0201")
def a_zip_whose_directory_is_cut_off(folder: Path, mark: Path) -> Sample:
    return written(folder, saved({"weight": torch.zeros(2), "x": Payload(mark)})[:-700], "torch-weights")


@technique("VG0312")
def two_folders_in_one_checkpoint(folder: Path, mark: Path) -> Sample:
    buffer = io.BytesIO(saved({"weight": torch.zeros(2)}))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("other/data.pkl", pickle.dumps(Payload(mark), 2))
    return written(folder, buffer.getvalue(), "torch-weights")


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


HARMLESS_FILES: dict[str, bytes] = {
    "plain.zip": zipped(HARMLESS),
    "deflated.zip": zipped({"model/words.txt": b"one two three " * 1000}, zipfile.ZIP_DEFLATED),
    "nested.zip": zipped({"inner.zip": zipped(HARMLESS)}),
    "empty.zip": zipped({}),
    "plain.tar": tarred((entry("./model/a.txt"), b"text"), (entry("b" * 200), b"long name")),
    "packed.gz": gzip.compress(b"text " * 1000),
    "packed.bz2": bz2.compress(b"text " * 1000),
    "packed.xz": lzma.compress(b"text " * 1000),
    "packed.z": zlib.compress(b"text " * 1000),
    "numbers.pkl": pickle.dumps({"epoch": 3, "losses": [0.1, 0.2], "name": "a" * 5000}, 5),
}


@pytest.mark.parametrize("name", HARMLESS_FILES)
def test_honest_archives_raise_no_alarm(name: str, tmp_path: Path, scan: Scan) -> None:
    (tmp_path / name).write_bytes(HARMLESS_FILES[name])
    assert scan(Sample(tmp_path / name)) == ()


def test_a_streamed_zip_with_sizes_behind_its_members_raises_no_alarm(tmp_path: Path, scan: Scan) -> None:
    class Pipe(io.RawIOBase):
        def __init__(self, file: io.BufferedWriter) -> None:
            self.file = file

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:  # as io declares it
            return self.file.write(data)

    with (
        (tmp_path / "model.zip").open("wb") as file,
        zipfile.ZipFile(Pipe(file), "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for member, content in HARMLESS.items():
            archive.writestr(member, content)
    assert scan(Sample(tmp_path / "model.zip")) == ()
