"""What a stranger's folder may hold in place of a file: links, pipes, devices, and files that move."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from vetgate.artifacts import Vault, copy
from vetgate.domain.errors import Inconclusive, UnreadableArtifact, UsageError
from vetgate.domain.model import Backend
from vetgate.domain.specs import BackendSpec, FormatSpec


def _none() -> Backend:
    raise AssertionError("nothing is opened here")


def _backends(*parts: str) -> Sequence[BackendSpec]:
    known = FormatSpec("toy", "", lambda probe: probe.head.startswith(b"TOY"), members=lambda path: parts)
    return [BackendSpec("toy", "", (known,), _none)]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "download"
    folder.mkdir()
    (folder / "model.toy").write_bytes(b"TOY")
    (folder / "weights.bin").write_bytes(b"weights")
    return folder / "model.toy"


def test_a_part_that_is_a_link_to_a_file_outside_is_refused(model: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a private key", encoding="utf-8")
    (model.parent / "stolen.bin").symlink_to(tmp_path / "secret")
    with Vault() as vault, pytest.raises(UnreadableArtifact, match="a link to a place outside its folder"):
        vault.take(str(model), _backends("stolen.bin"))


def test_a_part_below_a_folder_that_is_a_link_outside_is_refused(model: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "key").write_text("a private key", encoding="utf-8")
    (model.parent / "data").symlink_to(tmp_path / "home")
    with Vault() as vault, pytest.raises(UnreadableArtifact, match="outside its folder"):
        vault.take(str(model), _backends("data/key"))


def test_a_link_within_the_folder_is_followed(model: Path) -> None:
    (model.parent / "alias.bin").symlink_to("weights.bin")
    with Vault() as vault:
        artifact = vault.take(str(model), _backends("alias.bin"))
        assert (artifact.file.parent / "alias.bin").read_bytes() == b"weights"
        assert not (artifact.file.parent / "alias.bin").is_symlink()
        assert vault.findings(artifact) == ()


def test_the_links_of_a_model_hubs_cache_are_followed(tmp_path: Path) -> None:
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "1a2b"
    blobs.mkdir()
    snapshot.mkdir(parents=True)
    (blobs / "aa").write_bytes(b"TOY")
    (blobs / "bb").write_bytes(b"weights")
    (snapshot / "model.toy").symlink_to("../../blobs/aa")
    (snapshot / "weights.bin").symlink_to("../../blobs/bb")
    with Vault() as vault:
        artifact = vault.take(str(snapshot / "model.toy"), _backends("weights.bin"))
        assert [member.name for member in artifact.members] == ["model.toy", "weights.bin"]


def test_a_part_that_is_a_hard_link_is_a_finding(model: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"a private key")
    os.link(tmp_path / "secret", model.parent / "linked.bin")
    with Vault() as vault:
        (found,) = vault.findings(vault.take(str(model), _backends("linked.bin")))
    assert (found.rule, found.location) == ("VG0004", "linked.bin")


def test_a_model_file_that_has_a_second_name_is_nothing_special(model: Path, tmp_path: Path) -> None:
    os.link(model, tmp_path / "package-cache.toy")
    with Vault() as vault:
        assert vault.findings(vault.take(str(model), _backends())) == ()


@pytest.mark.parametrize("make", ["pipe", "folder", "circle", "device"])
def test_a_part_that_is_no_regular_file_is_refused_and_not_waited_for(model: Path, make: str) -> None:
    part = model.parent / "odd.bin"
    if make == "pipe":
        os.mkfifo(part)
    elif make == "folder":
        part.mkdir()
    else:
        part.symlink_to("odd.bin" if make == "circle" else "/dev/zero")
    with Vault() as vault, pytest.raises(Inconclusive):
        vault.take(str(model), _backends("odd.bin"))


def test_a_device_is_no_model(model: Path) -> None:
    with Vault() as vault, pytest.raises(UsageError, match="not a regular file"):
        vault.take("/dev/zero", _backends())


def test_a_pipe_that_takes_the_place_of_a_file_after_it_was_looked_at_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnreadableArtifact, match="no regular file"):
        copy.copy_file(tmp_path / "pipe", tmp_path / "copy", "pipe")


def test_a_file_that_grows_while_it_is_copied_is_refused(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    growing = model.parent / "weights.bin"
    pour = copy._pour

    def write_more(*arguments: object) -> str:
        digest = pour(*arguments)  # type: ignore[arg-type]  # whatever copy_file passes
        with growing.open("ab") as file:
            file.write(b"more")
        return digest

    monkeypatch.setattr(copy, "_pour", write_more)
    with pytest.raises(UnreadableArtifact, match="changed while it was read"):
        copy.copy_file(growing, tmp_path / "copy", "weights.bin")
    assert (tmp_path / "copy").stat().st_size == len(b"weights")


def test_a_file_of_holes_that_no_disk_could_hold_is_refused_before_it_is_copied(model: Path, tmp_path: Path) -> None:
    with (model.parent / "weights.bin").open("r+b") as file:
        file.truncate(1 << 43)
    with Vault() as vault, pytest.raises(Inconclusive, match="for its private copy"):
        vault.take(str(model), _backends("weights.bin"))


def test_a_model_that_names_endless_parts_is_refused(model: Path) -> None:
    with Vault() as vault, pytest.raises(UnreadableArtifact, match="10,000 are allowed"):
        vault.take(str(model), _backends(*(f"part{index}" for index in range(10_001))))


def test_a_private_copy_that_somebody_changed_is_noticed(model: Path) -> None:
    with Vault() as vault:
        artifact = vault.take(str(model), _backends("weights.bin"))
        vault.require_untouched(artifact)
        state = artifact.file.stat()
        artifact.file.chmod(0o600)
        artifact.file.write_bytes(b"TOX")
        artifact.file.chmod(0o400)
        os.utime(artifact.file, ns=(state.st_atime_ns, state.st_mtime_ns))
        with pytest.raises(Inconclusive, match="was changed during the run"):
            vault.require_untouched(artifact)


def test_a_file_that_is_put_beside_a_private_copy_is_noticed(model: Path) -> None:
    with Vault() as vault:
        artifact = vault.take(str(model), _backends())
        (artifact.file.parent / "planted.bin").write_bytes(b"")
        with pytest.raises(Inconclusive, match="was changed during the run"):
            vault.require_untouched(artifact)


def test_a_file_of_no_known_format_can_be_held_for_a_scan(model: Path) -> None:
    strange = model.parent / "strange.bin"
    strange.write_bytes(b"what is this")
    with Vault() as vault:
        artifact = vault.hold(str(strange), _backends())
        assert (artifact.format, artifact.backend, len(artifact.members)) == ("", "", 1)


def test_a_model_whose_parts_are_missing_can_be_held_for_a_scan_and_that_is_a_finding(model: Path) -> None:
    with Vault() as vault:
        artifact = vault.hold(str(model), _backends("gone.bin"))
        (found,) = vault.findings(artifact)
    assert (artifact.format, found.rule) == ("toy", "VG0003")
    assert "gone.bin" in found.message
