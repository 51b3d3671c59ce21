"""Bad input: each kind has its exit code, a sentence that says why, and nothing is lost."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

POINT = "version: 1\nname: point\nmetrics:\n  - {metric: accuracy.top1, of: delta, at_least: -1pp}\n"


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "point.yaml"
    path.write_text(POINT, encoding="utf-8")
    return str(path)


@pytest.fixture
def vet(world: Any, policy: str) -> Any:
    """Return a function that vets one candidate, and gives the exit code."""

    def run(candidate: str, *more: str, data: str | None = None) -> int:
        reference = world.toy("ref.toy")
        return int(
            world.check(candidate, "--reference", reference, "--data", data or world.data(), "--policy", policy, *more)
        )

    return run


def test_a_missing_file_is_a_usage_error_with_a_suggestion(world: Any, vet: Any) -> None:
    world.toy("model.toy")
    assert vet("modle.toy") == 2
    assert "does not exist" in world.err
    assert "did you mean model.toy?" in world.err


def test_a_folder_is_a_usage_error(world: Any, vet: Any) -> None:
    assert vet(str(world.folder)) == 2
    assert "is a folder" in world.err


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"this is text, whatever its name says", "no format"),
        (b'ACME{"shape": [1, 4', "truncated"),
        (b"PK\x03\x04 a zip that ends too soon", "zip"),
        (bytes(range(256)) * 20, "no format"),
    ],
)
def test_a_file_that_cannot_be_read_is_inconclusive(world: Any, vet: Any, content: bytes, why: str) -> None:
    path = world.folder / "model.toy"
    path.write_bytes(content)
    Path(f"{path}.yaml").write_bytes(Path(world.toy("other.toy") + ".yaml").read_bytes())
    assert vet(str(path)) == 3
    assert why in world.reasons()
    assert world.report()["candidate"]["size"] in (None, len(content))


@pytest.mark.parametrize("libraries", ["model.onnx", "model.tflite"])
def test_text_renamed_to_a_model_is_inconclusive(world: Any, vet: Any, libraries: str) -> None:
    path = world.folder / libraries
    path.write_text("I am no model.\n" * 50, encoding="utf-8")
    assert vet(str(path)) == 3
    assert "told by content" in world.reasons()


def test_a_model_with_two_inputs_is_inconclusive(world: Any, vet: Any) -> None:
    assert vet(world.toy("two.toy", inputs=2)) == 3
    assert "2 inputs" in world.reasons()


def test_another_number_of_classes_fails(world: Any, vet: Any) -> None:
    assert vet(world.toy("four.toy", classes=4)) == 1
    assert "contract.classes" in world.reasons()


def test_another_number_of_channels_fails(world: Any, vet: Any) -> None:
    assert vet(world.toy("three.toy", shape=(3, 4, 4))) == 1
    assert "contract.channels" in world.reasons()


def test_no_images_are_a_usage_error(world: Any, vet: Any) -> None:
    np.savez(world.folder / "none.npz", images=np.zeros((0, 4, 4), np.uint8), labels=np.zeros(0, np.int64))
    assert vet(world.toy("same.toy"), data=str(world.folder / "none.npz")) == 2


def test_labels_out_of_range_are_a_usage_error_before_anything_runs(world: Any, vet: Any) -> None:
    data = world.data("odd.npz", labels=[7] * 60)
    assert vet(world.toy("crash.toy", misbehave="crash"), data=data) == 2
    assert "label 7" in world.err


def test_a_data_set_that_does_not_exist_is_a_usage_error(world: Any, vet: Any) -> None:
    assert vet(world.toy("same.toy"), data="nowhere/") == 2


def test_images_of_another_size_are_a_usage_error(world: Any, vet: Any) -> None:
    assert vet(world.toy("same.toy"), data=world.data("big.npz", size=9)) == 2
    assert "size" in world.err


@pytest.mark.parametrize(
    ("misbehave", "why"),
    [
        ("nan", "NaN"),
        ("crash", "SIGABRT"),
        ("lie", "(N, classes)"),
        ("raise", "acme lost a screw"),
    ],
)
def test_a_model_that_misbehaves_is_inconclusive(world: Any, vet: Any, misbehave: str, why: str) -> None:
    assert vet(world.toy("bad.toy", misbehave=misbehave)) == 3
    assert why in world.reasons()
    assert world.report()["reference"]["sha256"]


def test_a_model_that_crashes_half_way_leaves_the_answers_of_the_reference_in_the_cache(world: Any, vet: Any) -> None:
    assert vet(world.toy("bad.toy", misbehave="crash", when=3), "--batch-size", "10", "--report", "markdown=r.md") == 3
    assert "from the cache" not in Path("r.md").read_text(encoding="utf-8")  # nobody ever gave the others
    assert vet(world.toy("good.toy"), "--batch-size", "10") == 0
    assert world.report()["reference"]["from_cache"]
    assert world.report()["reference"]["recalled"] == 60


def test_a_model_that_hangs_is_stopped(world: Any, vet: Any) -> None:
    assert vet(world.toy("slow.toy", misbehave="hang"), "--timeout", "2") == 3
    assert "no answer within 2 s" in world.reasons()


@pytest.mark.skipif(sys.platform != "linux", reason="memory limits are enforced on Linux alone")
def test_a_model_that_takes_all_memory_is_stopped_at_its_limit(world: Any, vet: Any) -> None:
    assert vet(world.toy("fat.toy", misbehave="memory"), "--memory-limit", "1GB") == 3
    assert "memory" in world.reasons()


def test_a_small_shared_memory_file_system_does_not_matter(world: Any, vet: Any) -> None:
    """Nothing of the ring stands in /dev/shm, so a container's 64 MB can be full."""
    if not Path("/dev/shm").is_dir():
        pytest.skip("this machine has no /dev/shm")
    before = set(Path("/dev/shm").iterdir())
    seen: set[Path] = set()
    from vetgate.inference import memory

    original = memory.SharedBuffer.resize

    def watch(self: Any, size: int) -> None:
        original(self, size)
        seen.update(set(Path("/dev/shm").iterdir()) - before)

    memory.SharedBuffer.resize = watch  # type: ignore[method-assign]  # put back below
    try:
        assert vet(world.toy("same.toy")) == 0
    finally:
        memory.SharedBuffer.resize = original  # type: ignore[method-assign]
    assert not seen


def test_an_unknown_policy_is_a_usage_error_with_a_suggestion(world: Any) -> None:
    assert world.run("check", world.toy("a.toy"), "--reference", world.toy("b.toy"), "--policy", "egde") == 2
    assert "edge" in world.err


def test_a_malformed_card_names_file_and_line(world: Any, vet: Any) -> None:
    path = world.toy("odd.toy", card="version: 1\ninput:\n  size: [4, 4]\n  colour: purple\n")
    assert vet(path) == 2
    assert "odd.toy.yaml:4" in world.err


def test_a_card_of_logits_for_a_model_of_probabilities_is_refused(world: Any, vet: Any) -> None:
    card = Path(world.toy("x.toy") + ".yaml").read_text(encoding="utf-8").replace("logits", "probabilities")
    assert vet(world.toy("y.toy", card=card)) == 2
    assert "probabilities" in world.err


def test_unreadable_images_are_named_and_make_a_run_inconclusive(world: Any, vet: Any) -> None:
    from PIL import Image

    with zipfile.ZipFile(world.folder / "set.zip", "w") as archive:
        for index in range(6):
            file = world.folder / "image.png"
            Image.fromarray(np.full((4, 4), index * 40, np.uint8)).save(file)
            content = file.read_bytes()
            archive.writestr(f"{index % 3}/{index}.png", content if index != 4 else content[:40])
    data = str(world.folder / "set.zip")
    assert vet(world.toy("same.toy"), data=data) == 3
    assert "4.png" in world.reasons()
    assert world.report()["data"]["images"] == 5
    assert vet(world.toy("same.toy"), "--max-unreadable", "0.5", data=data) == 0


def test_a_report_that_cannot_be_written_is_told_before_the_run(world: Any, policy: str) -> None:
    (world.folder / "file").touch()
    arguments = [
        "check",
        world.toy("a.toy"),
        "--reference",
        world.toy("b.toy"),
        "--data",
        world.data(),
        "--policy",
        policy,
    ]
    assert world.run(*arguments, "--report", "json=file/report.json") == 2
    assert "cannot be written" in world.err


def test_an_interrupted_run_leaves_no_half_written_report_or_cache_entry(
    world: Any, policy: str, own_cache: Path
) -> None:
    slow, reference, data = world.toy("slow.toy", misbehave="slow"), world.toy("ref.toy"), world.data(images=2000)
    command = [sys.executable, "-m", "vetgate", "check", slow, "--reference", reference, "--data", data]
    command += ["--policy", policy, "--batch-size", "1", "--report", "json=report.json"]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `&` has it ignored, and a child inherits that
    process = subprocess.Popen(command, cwd=world.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _wait_for_children(process.pid)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert not list(world.folder.glob("*report.json*"))
    names = [file.name for file in own_cache.rglob("*") if file.is_file()]
    assert all(len(name) > 64 for name in names), names
    assert world.check(world.toy("same.toy"), "--reference", reference, "--data", data, "--policy", policy) == 0


def test_a_killed_run_takes_its_children_with_it(world: Any, policy: str) -> None:
    slow, reference = world.toy("slow.toy", misbehave="hang"), world.toy("ref.toy")
    command = [sys.executable, "-m", "vetgate", "check", slow, "--reference", reference, "--data", world.data()]
    process = subprocess.Popen([*command, "--policy", policy], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    children = _wait_for_children(process.pid)
    time.sleep(1)
    process.kill()
    process.wait()
    latest = time.monotonic() + 20
    while any(map(_lives, children)) and time.monotonic() < latest:
        time.sleep(0.1)
    assert not [child for child in children if _lives(child)]


def _wait_for_children(parent: int) -> list[int]:
    """Return the two children of a gate once it has started them."""
    latest = time.monotonic() + 60
    while len(_children(parent)) < 2 and time.monotonic() < latest:
        time.sleep(0.05)
    children = _children(parent)
    assert len(children) == 2
    return children


def _lives(pid: int) -> bool:
    """Whether a process runs; one that has ended may wait as a zombie for an init that never reaps it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _children(parent: int) -> list[int]:
    found = Path(f"/proc/{parent}/task/{parent}/children")
    if not found.exists():
        pytest.skip("this system does not list the children of a process")
    return [int(child) for child in found.read_text(encoding="ascii").split()]


def test_a_corrupted_cache_entry_is_as_if_it_were_not_there(world: Any, vet: Any, own_cache: Path) -> None:
    same = world.toy("same.toy")
    assert vet(same) == 0
    for file in own_cache.rglob("*.npz"):
        file.write_bytes(file.read_bytes()[:-7] + b"corrupt")
    assert vet(same) == 0
    assert not world.report()["candidate"]["from_cache"]


def test_a_metric_nobody_measures_is_a_usage_error_with_a_line(world: Any) -> None:
    odd = world.folder / "odd.yaml"
    odd.write_text("version: 1\nname: odd\nmetrics:\n  - {metric: acuracy.top1, at_least: 90%}\n", encoding="utf-8")
    assert world.run("check", world.toy("a.toy"), "--reference", world.toy("b.toy"), "--policy", str(odd)) == 2
    assert "odd.yaml:4" in world.err
    assert "accuracy.top1" in world.err
