"""What is told, digested and scanned is a private copy, and that copy is what is opened."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from vetgate.artifacts import Vault
from vetgate.domain.errors import Inconclusive, UnreadableArtifact, UsageError
from vetgate.domain.model import Backend
from vetgate.domain.specs import BackendSpec, FormatSpec, Probe


def _factory() -> Backend:
    raise AssertionError("nothing is opened here")


def _backend(
    name: str = "toy",
    recognise: Callable[[Probe], bool] = lambda probe: probe.head.startswith(b"TOY"),
    members: Callable[[Path], tuple[str, ...]] | None = None,
) -> BackendSpec:
    return BackendSpec(name, "toys", (FormatSpec(f"{name}-format", "toys", recognise, members),), _factory)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "a model=é.toy"
    path.write_bytes(b"TOY" + b"x" * 5000)
    return path


def test_the_copy_is_private_and_has_the_digest_that_is_stated(model: Path) -> None:
    with Vault() as vault:
        taken = vault.take(str(model), [_backend()])
        model.write_bytes(b"TOY changed afterwards")
        content = taken.file.read_bytes()
        assert hashlib.sha256(content).hexdigest() == taken.sha256
        assert (len(content), taken.size) == (5003, 5003)
        assert stat.S_IMODE(vault.folder.stat().st_mode) == 0o700
        folder = vault.folder
    assert not folder.exists()


def test_external_members_ship_with_the_model(model: Path) -> None:
    (model.parent / "weights").mkdir()
    (model.parent / "weights" / "0.bin").write_bytes(b"w" * 10)
    with Vault() as vault:
        taken = vault.take(str(model), [_backend(members=lambda path: ("weights/0.bin",))])
        assert [member.name for member in taken.members] == [model.name, "weights/0.bin"]
        assert (taken.file.parent / "weights" / "0.bin").read_bytes() == b"w" * 10
        assert taken.size == 5013
        first = taken.sha256
        (model.parent / "weights" / "0.bin").write_bytes(b"v" * 10)
        again = vault.take(str(model), [_backend(members=lambda path: ("weights/0.bin",))])
    assert again.sha256 != first


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "a/../../outside"])
def test_a_member_outside_the_folder_is_refused_whatever_a_plugin_says(model: Path, name: str) -> None:
    (model.parent.parent / "outside").write_bytes(b"secret")
    with Vault() as vault, pytest.raises(UnreadableArtifact, match="outside its folder"):
        vault.take(str(model), [_backend(members=lambda path: (name,))])


def test_a_member_that_is_missing_is_inconclusive(model: Path) -> None:
    with Vault() as vault, pytest.raises(Inconclusive, match="does not lie beside it"):
        vault.take(str(model), [_backend(members=lambda path: ("gone.bin",))])


def test_a_file_that_changes_while_it_is_read_is_refused(model: Path) -> None:
    def members(path: Path) -> tuple[str, ...]:
        return ("other.bin",) if path == model else ()

    (model.parent / "other.bin").touch()
    with Vault() as vault, pytest.raises(UnreadableArtifact, match="changed while it was read"):
        vault.take(str(model), [_backend(members=members)])


def test_a_plugin_that_raises_while_looking_recognises_nothing(model: Path) -> None:
    def raises(probe: Probe) -> bool:
        raise RuntimeError("odd")

    with Vault() as vault:
        assert vault.take(str(model), [_backend("odd", raises), _backend()]).backend == "toy"
        with pytest.raises(UnreadableArtifact, match="no format"):
            vault.take(str(model), [_backend("odd", raises)])


def test_a_plugin_that_raises_while_parsing_leaves_the_file_unreadable(model: Path) -> None:
    def members(path: Path) -> tuple[str, ...]:
        raise IndexError("odd")

    with Vault() as vault, pytest.raises(UnreadableArtifact, match="IndexError"):
        vault.take(str(model), [_backend(members=members)])


def test_two_backends_that_claim_one_file_are_named(model: Path) -> None:
    with Vault() as vault, pytest.raises(UnreadableArtifact, match="toy-format of toy, rival-format of rival"):
        vault.take(str(model), [_backend(), _backend("rival", lambda probe: True)])


@contextmanager
def _ordinary_user() -> Iterator[None]:
    """Be nobody for a while where the tests run as root, for root may read everything."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_file_without_permission_is_inconclusive(model: Path) -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to anybody but their owner
        folder = Path(name)
        folder.chmod(0o755)
        closed = Path(shutil.copy(model, folder / "closed.toy"))
        closed.chmod(0)
        with _ordinary_user(), Vault() as vault, pytest.raises(Inconclusive, match="Permission denied"):
            vault.take(str(closed), [_backend()])


def test_a_temporary_folder_that_cannot_be_made_is_inconclusive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(Inconclusive, match="no folder for private copies") as raised, Vault():
        pass
    assert "TMPDIR" in raised.value.hint


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_is_no_model(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with Vault() as vault, pytest.raises(UsageError, match="not a regular file"):
        vault.take(str(tmp_path / "pipe"), [])


def test_a_name_that_no_report_can_hold_is_a_usage_error() -> None:
    with Vault() as vault, pytest.raises(UsageError, match="no UTF-8"):
        vault.take("model\udcff.onnx", [])


def test_a_zip_whose_directory_says_it_is_huge_is_not_read(tmp_path: Path) -> None:
    """One of 2 million names took 12 s and 1 GB in the gate's own process."""
    import struct
    import zipfile

    from vetgate.probing import LONGEST_DIRECTORY, probe

    path = tmp_path / "model.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.pkl", b"x")
    assert probe(path).zip_members == ("data.pkl",)
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, content.rfind(b"PK\x05\x06") + 12, LONGEST_DIRECTORY + 1)
    path.write_bytes(content)
    assert probe(path).zip_members == ()
    record = b"PK\x06\x06" + struct.pack("<Q", 44) + bytes(28) + struct.pack("<QQ", LONGEST_DIRECTORY + 1, 0)
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, 100, 1)
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    path.write_bytes(b"PK\x03\x04".ljust(100, b"\0") + record + locator + end)
    assert probe(path).zip_members == ()


def test_a_part_of_a_model_is_told_as_one_with_the_file_to_name(model: Path) -> None:
    part = model.with_suffix(".bin")
    part.write_bytes(b"weights")
    toys = [_backend(members=lambda path: (path.with_suffix(".bin").name,))]
    with Vault() as vault, pytest.raises(UnreadableArtifact, match="is a part of a model") as refused:
        vault.take(str(part), toys)
    assert refused.value.hint == f"name {model.name} beside it"


def test_a_file_beside_a_model_that_does_not_ship_with_it_is_of_no_format(model: Path) -> None:
    other = model.with_suffix(".bin")
    other.write_bytes(b"weights")
    os.mkfifo(model.with_suffix(".fifo"))  # reading one would wait for ever
    with Vault() as vault, pytest.raises(UnreadableArtifact, match="of no format"):
        vault.take(str(other), [_backend()])
