"""Studies from the command line to the folder: what is made, what is not made twice, and what misbehaves."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vetgate.domain.study import Study, Variant
from vetgate.gate import read_study


@pytest.fixture
def base(world: Any) -> Any:
    """A reference and vetting data in the working directory."""
    world.toy("base.acme")
    world.data("eval.npz")
    return world


def _compress(world: Any, *arguments: str) -> int:
    common = ("--reference", "base.acme", "--data", "eval.npz", "--output", "out")
    plain = () if "--yardstick" in arguments else ("--no-landscape",)
    code: int = world.run("study", "compress", *common, *plain, *arguments)
    return code


def _variants(folder: Path) -> dict[str, Variant]:
    study: Study = read_study(str(folder / "out"))
    return {variant.recipe.name: variant for variant in study.variants}


def _train(world: Any, name: str = "train.npz", seed: int = 11) -> str:
    pixels = np.random.default_rng(seed).integers(0, 256, size=(40, 4, 4), dtype=np.uint8)
    labels = ((pixels.reshape(40, -1) / 255 - 0.5) / 0.25 @ world.weight).argmax(axis=1)
    np.savez(world.folder / name, images=pixels, labels=labels)
    return name


def test_every_variant_is_made_vetted_and_kept_with_a_card_of_its_own(base: Any) -> None:
    assert _compress(base, "--only", "acme-trim*,acme-fit", "--train-data", _train(base)) == 0, base.err
    found = _variants(base.folder)
    assert list(found) == ["acme-trim-2", "acme-trim-0", "acme-fit"]
    for name, variant in found.items():
        assert variant.file == f"{name}.onnx"
        assert variant.report is not None
        figures = {m.metric for item in variant.report.evidence for m in item.measurements}
        assert {"accuracy.top1", "similarity.agreement", "footprint.size_mb"} <= figures
    assert (base.folder / "out" / "acme-trim-0.onnx.yaml").is_file()
    trained = (base.folder / "out" / "acme-fit.onnx.yaml").read_text(encoding="utf-8")
    assert "images: 40" in trained
    assert "training" not in (base.folder / "out" / "acme-trim-0.onnx.yaml").read_text(encoding="utf-8")
    assert "3 variants made, 0 of an earlier study reused" in base.err


def test_nothing_is_judged_and_nothing_timed_unless_a_policy_is_named(base: Any) -> None:
    _compress(base, "--only", "acme-trim-2")
    study = read_study("out")
    assert study.policy is None
    report = study.variants[0].report
    assert report is not None
    assert "latency" not in {item.check for item in report.evidence}
    policy = base.policy("metric: similarity.agreement, at_least: 50%")
    assert _compress(base, "--only", "acme-trim-2", "--policy", policy) == 0
    judged = read_study("out")
    assert judged.policy is not None
    assert judged.variants[0].report is not None
    assert judged.variants[0].report.verdict.decision.value == "pass"
    figures = {m.metric for item in judged.variants[0].report.evidence for m in item.measurements}
    assert "accuracy.top1" in figures  # what a study measures is measured besides what rules name


def test_its_report_can_be_judged_by_another_policy(base: Any) -> None:
    _compress(base, "--only", "acme-trim-*")
    policy = base.policy("metric: similarity.agreement, at_least: 50%")
    assert base.run("judge", "out/report.json", "--policy", policy) == 0, base.err + base.out


def test_what_nobody_gave_is_a_skipped_row_with_the_flag_to_give(base: Any) -> None:
    assert _compress(base, "--only", "acme-fit,acme-trim-2") == 0
    row = _variants(base.folder)["acme-fit"]
    assert row.skipped
    assert "--train-data" in row.problem


def test_a_second_run_makes_nothing_twice(base: Any) -> None:
    _compress(base, "--only", "acme-trim*,acme-fit", "--train-data", _train(base))
    files = sorted((base.folder / "out").glob("*.onnx"))
    before = [file.stat().st_mtime_ns for file in files]
    assert _compress(base, "--only", "acme-trim*,acme-fit", "--train-data", "train.npz") == 0
    assert "0 variants made, 3 of an earlier study reused" in base.err
    assert [file.stat().st_mtime_ns for file in files] == before
    assert all(variant.reused for variant in _variants(base.folder).values())


def test_without_the_cache_every_model_is_asked_once(base: Any) -> None:
    command = ("--reference", "base.acme", "--data", "eval.npz", "--output", "out", "--only", "acme-trim-*")
    for _ in range(2):
        assert base.run("study", "compress", *command, "--no-cache", "--verbose") == 0, base.err
        asked = [line for line in base.err.splitlines() if line.startswith("infer: ")]
        assert sum("base.acme" in line for line in asked) == 1
        assert sum("acme-trim-2.onnx" in line for line in asked) == 1
        assert sum("acme-trim-0.onnx" in line for line in asked) == 1


@pytest.mark.parametrize(
    ("change", "made"),
    [
        (("--seed", "5"), 3),
        (("--train-data", "other.npz"), 1),
        (("--set", "acme-trim.misbehave=no"), 2),
    ],
)
def test_what_is_made_otherwise_is_made_anew(base: Any, change: tuple[str, str], made: int) -> None:
    _train(base, "other.npz", seed=12)
    _compress(base, "--only", "acme-trim*,acme-fit", "--train-data", _train(base))
    data = () if change[0] == "--train-data" else ("--train-data", "train.npz")
    assert _compress(base, "--only", "acme-trim*,acme-fit", *data, *change) == 0
    assert f"{made} variants made, {3 - made} of an earlier study reused" in base.err


def test_another_reference_makes_everything_anew(base: Any) -> None:
    _compress(base, "--only", "acme-trim-*")
    base.toy("base.acme", noise=0.1)
    _compress(base, "--only", "acme-trim-*")
    assert "2 variants made, 0 of" in base.err


def test_a_variant_that_was_changed_since_is_made_anew(base: Any) -> None:
    _compress(base, "--only", "acme-trim-*")
    file = base.folder / "out" / "acme-trim-0.onnx"
    file.write_bytes(file.read_bytes()[:-4] + b"\0\0\0\1")
    _compress(base, "--only", "acme-trim-*")
    assert "1 variants made, 1 of" in base.err


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("garbage", "no backend here can read"),
        ("empty", "wrote nothing"),
        ("nothing", "wrote nothing"),
        ("exit", "SystemExit"),
        ("raise", "acme lost a screw"),
        ("kill", "SIGKILL"),
    ],
)
def test_a_compressor_that_fails_is_a_row_with_its_problem_and_stops_no_other(base: Any, how: str, told: str) -> None:
    assert _compress(base, "--only", "acme-trim-2", "--variant", f"acme-trim:misbehave={how}") == 3
    found = _variants(base.folder)
    row = found[f"acme-trim-misbehave{how}"]
    assert told in row.problem
    assert row.file is None
    assert not row.skipped
    assert found["acme-trim-2"].report is not None
    assert not (base.folder / "out" / f"{row.recipe.name}.onnx").exists()


@pytest.mark.parametrize("how", ["hang", "chatter"])
def test_a_compressor_without_progress_is_stopped(base: Any, how: str) -> None:
    start = time.monotonic()
    assert _compress(base, "--only", "acme-trim-2", "--variant", f"acme-trim:misbehave={how}", "--timeout", "4") == 3
    assert "made no progress for 4 s" in _variants(base.folder)[f"acme-trim-misbehave{how}"].problem
    assert time.monotonic() - start < 60


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux alone")
def test_a_compressor_that_takes_too_much_memory_is_a_row(base: Any) -> None:
    _compress(base, "--only", "acme-trim-2", "--variant", "acme-trim:misbehave=memory", "--memory-limit", "1GB")
    assert "memory limit of 1 GB" in _variants(base.folder)["acme-trim-misbehavememory"].problem


def test_what_the_model_is_no_matter_for_a_compressor_is_no_failure(base: Any) -> None:
    assert _compress(base, "--only", "acme-trim-2", "--variant", "acme-trim:misbehave=refuse") == 0
    row = _variants(base.folder)["acme-trim-misbehaverefuse"]
    assert row.refused
    assert "finds nothing to trim" in row.problem


def test_a_folder_that_cannot_take_a_variant_is_no_answer_on_the_model(base: Any) -> None:
    _compress(base, "--only", "acme-trim-2")
    (base.folder / "out" / "acme-trim-0.onnx").mkdir()
    assert _compress(base, "--only", "acme-trim-*") == 3
    row = _variants(base.folder)["acme-trim-0"]
    assert "cannot be written" in row.problem
    assert not row.refused
    assert not row.skipped


def test_a_study_that_measured_nothing_is_inconclusive(base: Any) -> None:
    assert _compress(base, "--only", "acme-fit") == 3
    assert _variants(base.folder)["acme-fit"].skipped
    assert _compress(base, "--skip", "*", "--variant", "acme-trim:misbehave=refuse") == 3
    assert "0 skipped, 1 cannot be made of this model, 0 not made" in base.err
    assert "error" not in base.err  # a picture of nothing is not asked for
    assert not (base.folder / "out" / "deviation.svg").exists()
    assert (base.folder / "out" / "study.md").is_file()


def test_a_reference_that_is_no_module_is_a_skipped_row(base: Any) -> None:
    assert _compress(base, "--only", "acme-trim-2", "--variant", "acme-trim:misbehave=module") == 0
    row = _variants(base.folder)["acme-trim-misbehavemodule"]
    assert row.skipped
    assert "PyTorch module" in row.problem


def test_a_setting_that_a_compressor_does_not_know_is_a_row_with_its_problem(base: Any) -> None:
    assert _compress(base, "--only", "acme-trim-*", "--set", "acme-trim.digits=3") == 3
    assert "has no setting 'digits'" in _variants(base.folder)["acme-trim-2"].problem


@pytest.mark.parametrize("flag", ["--train-data", "--calibration-data"])
def test_the_vetting_data_is_never_made_with(base: Any, flag: str) -> None:
    assert _compress(base, "--only", "acme-trim*,acme-fit", flag, "eval.npz") == 2
    assert f"{flag} eval.npz is the data that variants are vetted on" in base.err
    with np.load(base.folder / "eval.npz") as arrays:
        images, labels = arrays["images"], arrays["labels"]
    with np.load(base.folder / _train(base)) as arrays:
        more, truth = arrays["images"], arrays["labels"]
    mixed = np.concatenate([more, images[:7]]), np.concatenate([truth, labels[:7]])
    np.savez(base.folder / "mixed.npz", images=mixed[0], labels=mixed[1])
    assert _compress(base, "--only", "acme-trim*,acme-fit", flag, "mixed.npz") == 2
    assert "shares 7 of its 47 images with eval.npz" in base.err
    assert not (base.folder / "out" / "acme-fit.onnx").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--only", "acme-trims-2"), "did you mean 'acme-trim-2'?"),
        (("--variant", "acme-trm:decimals=1"), "did you mean 'acme-trim'?"),
        (("--variant", "acme-trim:decimals"), "not of the form NAME=VALUE"),
        (("--set", "acme-trm.decimals=1"), "did you mean 'acme-trim'?"),
        (("--set", "decimals=1"), "STEP.NAME=VALUE"),
        (("--set", "acme-trim.decimals=1"), "recipes acme-trim-2, acme-trim-0 state decimals"),
        (("--set", "acme-fit.speed=1", "--only", "acme-trim-2"), "no recipe of this study has a step acme-fit"),
        (("--set", "prune-l1.rate=0.2"), "prune-l1-90, prune-l1-50+int8-static state rate"),
        (("--set", "prune-l1.rate=abc"), "rate is 'abc', but must be a share above 0 and below 1"),
        (("--set", "distil.epoch=8", "--only", "acme-trim-2"), "did you mean 'epochs'?"),
        (("--variant", "prune-l1:rat=0.6"), "did you mean 'rate'?"),
        (("--variant", "prune-l1:rate=1.6"), "rate is 1.6, but must be a share above 0 and below 1"),
        (("--only", "acme-trim-2", "--skip", "*"), "nothing is left to make"),
        (("--donor", "nowhere.acme"), "nowhere.acme does not exist"),
        (("--donor", "base.acme"), "is the reference itself"),
        (("--chart", "chart.pdf"), "must end in .svg or .png"),
        (("--chart", "chart.png"), "goes with neither --no-landscape nor --list"),
        (("--variant", "acme-trim+prune-l1:rate=0.5"), "can only be the first step"),
    ],
)
def test_a_mistake_in_the_command_is_told_before_anything_is_made(
    base: Any, arguments: tuple[str, ...], told: str
) -> None:
    assert _compress(base, *arguments) == 2
    assert told in base.err
    assert not list(base.folder.glob("out/*.onnx"))


def test_a_folder_of_other_files_is_not_written_to(base: Any) -> None:
    (base.folder / "out").mkdir()
    (base.folder / "out" / "float16.onnx").write_bytes(b"mine")
    assert _compress(base, "--only", "acme-trim-2") == 2
    assert "holds files that no study made" in base.err
    assert (base.folder / "out" / "float16.onnx").read_bytes() == b"mine"


def test_recipes_are_listed_with_what_each_needs(base: Any) -> None:
    assert base.run("study", "compress", "--list", "--only", "acme-trim*,acme-fit") == 0
    assert "acme-trim-2" in base.out
    assert "--train-data" in base.out
    assert not (base.folder / "study").exists()
    assert base.run("study", "compress", "--list", "--only", "prune-l1*,distil-50") == 0
    assert "prune-l1.rate" in base.out
    assert "a share above 0 and below 1" in base.out
    assert "distil.epochs" in base.out
    assert "transfer" not in base.out


def test_a_study_is_shown_again_from_its_folder_or_its_file(base: Any) -> None:
    _compress(base, "--only", "acme-trim-*")
    printed = base.out
    assert base.run("study", "show", "out") == 0
    assert base.out == printed
    assert base.run("study", "show", "out/study.json") == 0
    assert base.out == printed
    assert base.run("study", "show", "eval.npz") == 2
    assert "is no study" in base.err
    assert base.run("study", "show", "out", "--format", "study-mardown") == 2
    assert "did you mean 'study-markdown'?" in base.err


def test_what_an_earlier_study_left_in_the_folder_is_told(base: Any) -> None:
    _compress(base, "--only", "acme-trim-*")
    assert "earlier study:" not in base.err
    _compress(base, "--only", "acme-trim-2")
    assert "warning: out also holds files of an earlier study: acme-trim-0.onnx\n" in base.err
    (base.folder / "out" / "landscape.svg").write_text("<svg/>", encoding="utf-8")
    _compress(base, "--only", "acme-trim-*")
    assert "warning: out also holds files of an earlier study: landscape.svg\n" in base.err


def test_a_study_of_too_few_images_says_that_it_says_nothing(base: Any) -> None:
    assert _compress(base, "--only", "acme-trim-2", "--limit", "1") == 0, base.err
    told = "he study rests on 1 image, and takes 30 at least to say anything"
    assert f"warning: t{told}" in base.err
    assert f"T{told}." in " ".join(base.out.split())
    _compress(base, "--only", "acme-trim-2", "--limit", "30")
    assert "rests on" not in base.err + base.out


def test_every_format_that_show_writes_is_named_in_its_help(base: Any) -> None:
    from vetgate.domain.study import Study as Shown
    from vetgate.host import Kind, find_plugins

    assert base.run("study", "show", "--help") == 0
    offers = find_plugins().offers[Kind.DRAWING].items()
    known = [name for name, offer in offers if offer.spec.document is Shown]
    assert len(known) == 5
    assert all(name in base.out for name in known)


def test_unlabelled_data_still_tells_how_far_the_function_moved(base: Any) -> None:
    base.data("bare.npz", labels=None)
    common = (
        "--reference",
        "base.acme",
        "--data",
        "bare.npz",
        "--output",
        "out",
        "--no-landscape",
        "--only",
        "acme-trim-*",
    )
    assert base.run("study", "compress", *common) == 0, base.err
    report = _variants(base.folder)["acme-trim-0"].report
    assert report is not None
    figures = {m.metric for item in report.evidence for m in item.measurements}
    assert "similarity.js_divergence" in figures
    assert "accuracy.top1" not in figures


def test_independents_and_their_checkpoints_stand_beside_the_variants(base: Any) -> None:
    for number in range(1, 4):
        base.toy(f"u{number}.acme", noise=0.2 + 0.1 * number)
        base.toy(f"u{number}-1.acme", noise=0.9 + 0.1 * number)
    independents = [item for number in range(1, 4) for item in ("--independent", f"u{number}.acme")]
    checkpoints = [item for number in range(1, 4) for item in ("--checkpoints", f"u{number}.acme=u{number}-1.acme")]
    common = ("--reference", "base.acme", "--data", "eval.npz")
    assert base.run("yardstick", "build", *common, *independents, *checkpoints, "-o", "base.yardstick") == 0, base.err
    assert _compress(base, "--only", "acme-trim-*", "--yardstick", "base.yardstick") == 0, base.err
    study = read_study("out")
    assert [item.peer.name for item in study.independents] == ["u1.acme", "u2.acme", "u3.acme"]
    figures = {m.metric for item in study.independents[0].evidence for m in item.measurements}
    assert {"accuracy.top1", "similarity.independence"} <= figures
    assert study.landscape is not None
    parts = [point.part.value for point in study.landscape.points]
    assert parts.count("variant") == 2
    assert parts.count("independent") == 3
    assert parts.count("checkpoint") == 3
    assert study.yardstick is not None
    report = study.variants[0].report
    assert report is not None
    assert "similarity.independence" in {m.metric for item in report.evidence for m in item.measurements}


def test_a_yardstick_of_another_reference_is_refused_before_anything_is_made(base: Any) -> None:
    base.toy("other.acme", noise=1.0)
    for number in (1, 2):
        base.toy(f"u{number}.acme", noise=0.3 * number)
    independents = ("--independent", "u1.acme", "--independent", "u2.acme")
    base.run(
        "yardstick", "build", "--reference", "other.acme", "--data", "eval.npz", *independents, "-o", "o.yardstick"
    )
    assert _compress(base, "--only", "acme-trim-*", "--yardstick", "o.yardstick") == 2
    assert "another reference" in base.err
    assert not (base.folder / "out" / "acme-trim-2.onnx").exists()


def _children(parent: int) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if f"\nPPid:\t{parent}\n" in (entry / "status").read_text(encoding="utf-8"):
                    yield int(entry.name)
            except OSError:
                continue


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_a_study_that_is_ended_loses_the_variant_in_the_making_alone(base: Any, ending: signal.Signals) -> None:
    common = ("--reference", "base.acme", "--data", "eval.npz", "--output", "out", "--only", "acme-trim-*")
    command = [sys.executable, "-m", "vetgate", "study", "compress", *common, "--variant", "acme-trim:misbehave=hang"]
    told = base.folder / "told.txt"
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `&` has it ignored, and a child inherits that
    with told.open("wb") as errors:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors, env=dict(os.environ))
    notes = base.folder / "out" / "made"
    until = time.monotonic() + 90
    while len(list(notes.glob("*.json"))) < 2 or not list(_children(process.pid)):
        assert time.monotonic() < until
        assert process.poll() is None
        time.sleep(0.05)
    children = list(_children(process.pid))
    process.send_signal(ending)
    code = process.wait(timeout=180)
    assert code == (130 if ending is signal.SIGINT else -signal.SIGKILL)
    hint = "the same command goes on where this one stopped"
    assert (hint in told.read_text(encoding="utf-8")) is (ending is signal.SIGINT)
    until = time.monotonic() + 10
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert not list((base.folder / "out").glob("*hang*"))
    assert _compress(base, "--only", "acme-trim-*") == 0
    assert "0 variants made, 2 of an earlier study reused" in base.err


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_two_studies_are_not_made_in_one_folder_at_once_and_a_dead_one_is_in_nobodys_way(base: Any) -> None:
    common = ("--reference", "base.acme", "--data", "eval.npz", "--output", "out", "--only", "acme-trim-2")
    command = [sys.executable, "-m", "vetgate", "study", "compress", *common, "--variant", "acme-trim:misbehave=hang"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ))
    until = time.monotonic() + 90
    while not (base.folder / "out" / "made" / "acme-trim-2.json").exists():
        assert time.monotonic() < until
        assert process.poll() is None
        time.sleep(0.05)
    assert _compress(base, "--only", "acme-trim-*") == 2
    assert "another study is at work in out" in base.err
    assert not (base.folder / "out" / "acme-trim-0.onnx").exists()
    process.kill()
    process.wait(timeout=180)
    assert _compress(base, "--only", "acme-trim-*") == 0, base.err
    assert "1 variants made, 1 of an earlier study reused" in base.err


def test_the_study_in_the_folder_is_whole_json(base: Any) -> None:
    _compress(base, "--only", "acme-trim-*")
    assert json.loads((base.folder / "out" / "study.json").read_text(encoding="utf-8"))["schema_version"] == 1
    assert (base.folder / "out" / "study.md").read_text(encoding="utf-8").strip()


FASHION = Path(__file__).parents[2] / "examples" / "fashion"


@pytest.fixture
def fashion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in the example's folder; return where a study may go."""
    for library in ("torch", "onnx", "onnxruntime"):
        pytest.importorskip(library)
    monkeypatch.chdir(FASHION)
    return tmp_path / "study"


def test_a_real_network_is_compressed_step_by_step_and_a_step_is_made_once(
    fashion: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from vetgate.cli.app import run

    chosen = "float32,float16,prune-l1-50,int8-static,cluster-16384"
    common = ("--limit", "500", "--no-landscape", "--output", str(fashion), "--skip", "in sequence")
    command = ("study", "compress", "--only", chosen, "--variant", "prune-l1-50+float16", *common)
    assert run(command) == 0, capsys.readouterr().err
    rows = {variant.recipe.name: variant for variant in read_study(str(fashion)).variants}
    assert rows["int8-static"].skipped
    assert "--calibration-data" in rows["int8-static"].problem
    assert rows["cluster-16384"].refused
    made = [name for name, variant in rows.items() if variant.file is not None]
    assert made == ["float32", "float16", "prune-l1-50", "prune-l1-50+float16"]
    assert not list((fashion / "steps").iterdir())  # what a recipe of its own made is what the next step took
    notes = rows["prune-l1-50+float16"].made
    assert notes is not None
    assert any("zeroed the weights" in note for note in notes.notes)
    compressed = [note for name in made[1:] if (one := rows[name].made) is not None for note in one.notes]
    assert not any("uncompressed" in note for note in compressed)  # the export before them is not what they are
    assert rows["float32"].made is not None
    assert "uncompressed" in rows["float32"].made.notes[0]
    sizes = {name: (fashion / f"{name}.onnx").stat().st_size for name in made}
    assert sizes["prune-l1-50+float16"] < 0.6 * sizes["float32"]
    capsys.readouterr()
    assert run(command) == 0
    assert "0 variants made, 4 of an earlier study reused" in capsys.readouterr().err


def test_weights_whose_architecture_nobody_names_are_refused_before_anything_is_made(
    fashion: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from vetgate.cli.app import run

    folder = fashion.parent
    shutil.copy("reference.pt", folder / "bare.pt")
    shutil.copy("reference.pt.yaml", folder / "bare.pt.yaml")
    command = ("study", "compress", "--data", str(FASHION / "test.npz"), "--output", str(fashion), "--limit", "100")
    os.chdir(folder)
    assert run([*command, "--reference", "bare.pt", "--verbose"]) == 2
    told = capsys.readouterr().err
    assert "reference bare.pt holds weights alone, and nothing names their architecture" in told
    assert "--architecture" in told
    assert "make:" not in told
    assert not list(fashion.glob("*.onnx"))
