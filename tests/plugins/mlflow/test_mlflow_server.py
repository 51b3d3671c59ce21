"""Models from a real MLflow server, and verdicts on them published to it."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from vetgate_mlflow.publisher import make_publisher

from vetgate.domain.errors import Inconclusive
from vetgate.domain.publish import PublishContext, WrittenFile
from vetgate.domain.report import ReportSet

FASHION = Path(__file__).parent.parent.parent.parent / "examples" / "fashion"
WARN = """\
version: 1
name: lenient
metrics:
  - {metric: accuracy.top1, of: delta, at_least: -1pp, otherwise: warn}
"""
UNSURE = """\
version: 1
name: unsure
metrics:
  - {metric: accuracy.top1, of: delta, at_least: -1pp, confidence: 95%}
"""


@pytest.fixture
def model(server: Any, gate: Any, request: pytest.FixtureRequest) -> Any:
    """Register a reference with the alias `champion`, a copy of it, and a bad one, of a model of the test's own."""
    name = f"toy {abs(hash(request.node.nodeid)) % 10**9}"
    for folder, noise in (("base", 0.0), ("good", 0.0), ("bad", 3.0)):
        server.register(name, gate.model(folder, noise))
    server.client().set_registered_model_alias(name, "champion", "1")
    return _Model(server, gate, name)


class _Model:
    def __init__(self, server: Any, gate: Any, name: str) -> None:
        self.server, self.gate, self.name = server, gate, name

    def vet(self, version: int | str, *more: str, policy: str | None = None) -> int:
        """Vet a version against the champion, and publish."""
        where = f"@{version}" if isinstance(version, str) else f"/{version}"
        names = (f"models:/{self.name}{where}", "--reference", f"models:/{self.name}@champion")
        publish = ("--publish", f"mlflow:experiment={self.name},alias=champion")
        return int(self.gate.check(*names, *publish, *more, **({"policy": policy} if policy else {})))

    def tags(self, version: int) -> dict[str, str]:
        """Return the tags of a version."""
        return dict(self.server.tags(self.name, str(version)))

    @property
    def champion(self) -> str:
        """The version that the alias stands for."""
        return str(self.server.aliases(self.name)["champion"])

    def run(self, version: int) -> Any:
        """Return the run that the verdict on a version is logged in."""
        return self.server.client().get_run(self.tags(version)["vetgate.run"])


def test_a_pass_is_logged_tagged_and_becomes_the_champion(model: Any, tmp_path: Path) -> None:
    from vetgate.cli.app import run as vetgate

    assert vetgate(["keygen", "release", "--no-password"]) == 0
    assert model.vet(2, "--report", "markdown=report.md", "--attest", "release.key") == 0, model.gate.err
    assert model.champion == "2"
    report = Path("report.json").read_bytes()
    tags, run = model.tags(2), model.run(2)
    assert tags["vetgate.decision"] == run.data.tags["vetgate.decision"] == "pass"
    assert tags["vetgate.report_sha256"] == hashlib.sha256(report).hexdigest()
    assert tags["vetgate.policy"].startswith("toy ")
    assert run.info.status == "FINISHED"
    assert run.data.metrics["accuracy.top1.candidate"] == 1.0
    assert run.data.metrics["accuracy.top1.delta"] == 0.0
    assert not [name for name in run.data.metrics if "recall." in name and "macro" not in name], "slices are left out"
    digest = model.gate.report()["candidate"]["sha256"]
    assert run.data.params["vetgate.candidate_sha256"] == digest
    assert run.data.params["vetgate.candidate"] == f"models:/{model.name}/2"
    client = model.server.client()
    logged = {file.path for file in client.list_artifacts(run.info.run_id, "vetgate")}
    stem = f"models-{model.name.replace(' ', '-')}-2.intoto.jsonl"
    assert logged == {"vetgate/report.json", "vetgate/report.md", f"vetgate/{stem}"}
    saved = client.download_artifacts(run.info.run_id, "vetgate/report.json", str(tmp_path))
    assert Path(saved).read_bytes() == report


def test_a_fail_is_tagged_and_leaves_the_champion_where_it_was(model: Any) -> None:
    assert model.vet(3) == 1
    assert model.tags(3)["vetgate.decision"] == "fail"
    assert model.run(3).data.tags["vetgate.because"].startswith("1 of")
    assert model.champion == "1"
    assert "has the alias" not in model.gate.err


@pytest.mark.parametrize(
    ("policy", "more", "code", "decision"),
    [
        (WARN, (), 0, "warn"),
        (WARN, ("--strict",), 1, "warn"),
        (UNSURE, ("--limit", "10"), 3, "inconclusive"),
    ],
)
def test_what_is_no_pass_moves_no_alias(
    model: Any, policy: str, more: tuple[str, ...], code: int, decision: str
) -> None:
    assert model.vet(3 if policy is WARN else 2, *more, policy=policy) == code
    assert model.tags(3 if policy is WARN else 2)["vetgate.decision"] == decision
    assert model.champion == "1"


def test_the_version_that_was_vetted_is_tagged_whatever_its_alias_stands_for_by_now(model: Any) -> None:
    client = model.server.client()
    client.set_registered_model_alias(model.name, "challenger", "2")
    assert model.vet("challenger") == 0, model.gate.err
    reports, files = _saved()
    assert reports.reports[0].candidate.origin is not None
    assert reports.reports[0].candidate.origin.facts["alias"] == "challenger"
    client.set_registered_model_alias(model.name, "challenger", "3")
    make_publisher({}).publish(reports, files, PublishContext(60.0, lambda: None))
    assert model.tags(3) == {}
    assert model.champion == "2"


def test_an_alias_that_somebody_moved_meanwhile_is_left_where_it_is(model: Any) -> None:
    assert model.gate.check(f"models:/{model.name}/2", "--reference", f"models:/{model.name}@champion") == 0
    reports, files = _saved()
    model.server.client().set_registered_model_alias(model.name, "champion", "3")
    with pytest.raises(Inconclusive, match="was moved to version 3 meanwhile, and 2 was compared with 1"):
        make_publisher({"alias": "champion"}).publish(reports, files, PublishContext(60.0, lambda: None))
    assert model.champion == "3"
    assert model.tags(2)["vetgate.decision"] == "pass", "what was found out stays true"


def test_a_version_that_was_deleted_meanwhile_is_told(model: Any) -> None:
    assert model.gate.check(f"models:/{model.name}/2", "--reference", f"models:/{model.name}/1") == 0
    reports, files = _saved()
    model.server.client().delete_model_version(model.name, "2")
    with pytest.raises(Exception, match="version 2 of"):
        make_publisher({"alias": "champion"}).publish(reports, files, PublishContext(60.0, lambda: None))
    assert model.champion == "1"


def _saved() -> tuple[ReportSet, list[WrittenFile]]:
    content = Path("report.json").read_bytes()
    return ReportSet.model_validate_json(content), [WrittenFile("json", "report.json", content)]


def test_no_credential_reaches_reports_logs_or_what_is_published(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", model.server.uri.replace("//", "//anna:open-sesame@"))
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "eyJ-the-token")
    assert model.vet(2, "--verbose") == 0, model.gate.err
    model.gate.check("models:/nobody/1", "--reference", f"models:/{model.name}/1")
    told = model.gate.told() + json.dumps(model.run(2).to_dictionary()) + json.dumps(model.tags(2))
    assert not [secret for secret in ("open-sesame", "anna", "eyJ-the-token") if secret in told]


@pytest.mark.parametrize("name", ["models:/{}/9", "models:/{}@nobody", "models:/nobody/1", "runs:/abcdef/model"])
def test_what_the_server_does_not_have_is_a_mistake_in_the_command(model: Any, name: str) -> None:
    typed = name.format(model.name)
    assert model.gate.check(typed, "--reference", f"models:/{model.name}/1") == 2
    assert typed in model.gate.err
    assert len(model.gate.err.strip().splitlines()) == 1


def test_the_example_s_candidates_are_vetted_by_name(
    server: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime")
    from vetgate.cli.app import run as vetgate

    monkeypatch.chdir(tmp_path)
    for file in ("float16.onnx", "int8.onnx", "pruned95.onnx"):
        folder = tmp_path / file.removesuffix(".onnx")
        folder.mkdir()
        for each in (file, f"{file}.yaml"):
            shutil.copyfile(FASHION / each, folder / each)
        server.register("fashion", folder)
    asked = ["--reference", "models:/fashion/1", "--data", str(FASHION / "test.npz"), "--limit", "1000"]
    asked += ["--policy", "smoke", "--publish", "mlflow:experiment=fashion,alias=champion"]
    assert vetgate(["check", "models:/fashion/3", *asked]) == 1
    assert server.aliases("fashion") == {}
    assert vetgate(["check", "models:/fashion/2", *asked]) == 0, capsys.readouterr().err
    assert server.aliases("fashion") == {"champion": "2"}
    decisions = [server.tags("fashion", version).get("vetgate.decision") for version in "123"]
    assert decisions == [None, "pass", "fail"]
