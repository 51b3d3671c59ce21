"""A vetted model with all that its verdict rests on, in files, and somebody who signs."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from vetgate.attestation import Demand, Files, Signer, Trust, Wanted, attest, generate, load_public, load_signer, verify
from vetgate.domain.artifact import Member
from vetgate.domain.report import DataSummary, Environment, ModelSummary, PolicySummary, Report, ReportSet
from vetgate.domain.scan import ScanState, ScanSummary
from vetgate.domain.verdict import Decision, Ruling, Verdict
from vetgate.domain.wall import Wall

NOW = datetime.datetime(2027, 3, 1, 12, tzinfo=datetime.UTC)


def nobody() -> None:
    return None


def member(path: Path, name: str) -> Member:
    content = path.read_bytes()
    return Member(name=name, sha256=hashlib.sha256(content).hexdigest(), size=len(content))


@dataclass(frozen=True)
class Vetted:
    """Files of one verdict. The policy is resolved by its bytes alone: what reads policies is tested elsewhere."""

    folder: Path
    signer: Signer
    trust: Trust

    @property
    def model(self) -> Path:
        return self.folder / "int8.onnx"

    @property
    def part(self) -> Path:
        return self.folder / "weights" / "int8.data"

    @property
    def card(self) -> Path:
        return self.folder / "int8.onnx.yaml"

    @property
    def policy(self) -> Path:
        return self.folder / "edge.yaml"

    @property
    def report(self) -> Path:
        return self.folder / "report.json"

    def summary(self, **changes: object) -> ModelSummary:
        parts = (member(self.model, "int8.onnx"), member(self.part, "weights/int8.data"))
        told = ModelSummary(
            name="out/int8.onnx",
            format="onnx",
            sha256="a" * 64,
            size=99,
            members=parts,
            card="out/int8.onnx.yaml",
            card_sha256="b" * 64,
            card_files=(member(self.card, "out/int8.onnx.yaml"),),
            scan=ScanSummary(state=ScanState.CLEAN, scanners=("onnx 1",), sha256="a" * 64),
            walls=(Wall(name="network", stood=True, how="namespaces"),),
        )
        return told.model_copy(update=changes)

    def policy_summary(self) -> PolicySummary:
        text = member(self.policy, str(self.policy))
        return PolicySummary(name="edge", sha256="c" * 64, source=str(self.policy), texts=(text,))

    def reports(self, decision: Decision = Decision.PASS, **changes: object) -> ReportSet:
        ruling = Ruling(rule="accuracy.top1", words="w", decision=decision, because="two points lost")
        report = Report(
            candidate=self.summary(**changes),
            reference=self.summary(name="base.pt"),
            data=DataSummary(name="eval", sha256="d" * 64, images=10, available=10, labelled=True, classes=2),
            policy=self.policy_summary(),
            verdict=Verdict(decision=decision, because="because of all that", rulings=(ruling,)),
            evidence=(),
            environment=Environment(
                vetgate="0.1.0", python="3", platform="p", processor="x", cores=1, memory=1, packages={}
            ),
            seed=0,
            command=("vetgate", "check"),
            started=NOW - datetime.timedelta(minutes=1),
            seconds=60.0,
        )
        return ReportSet(reports=(report,))

    def sign(self, reports: ReportSet | None = None, *, at: datetime.datetime = NOW, by: Signer | None = None) -> bytes:
        """Return an attestation of a verdict: a pass unless another one is given."""
        bound = {"json": self.report.read_bytes()}
        ((_, envelope),) = attest(reports or self.reports(), bound, by or self.signer, at)
        assert envelope is not None
        return envelope

    def demand(self, **changes: object) -> Demand:
        """Return a demand that holds everything against the files."""
        files = Files(str(self.model), report=str(self.report))
        wanted = Wanted("edge.yaml", str(self.policy), self.policy_summary)
        demand = Demand(files, self.trust, wanted, datetime.timedelta(days=30))
        return replace(demand, **changes)  # type: ignore[arg-type]  # named as its fields

    def verify(self, attestation: bytes, *, now: datetime.datetime = NOW, **changes: object) -> str:
        """Return the decision that was verified."""
        return verify(attestation, self.demand(**changes), now).predicate.decision.value


@pytest.fixture(scope="session")
def make_signer(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], tuple[Signer, Trust]]:
    def make() -> tuple[Signer, Trust]:
        folder = tmp_path_factory.mktemp("keys")
        pair = generate(None)
        (folder / "one.key").write_bytes(pair.private)
        (folder / "one.pub").write_bytes(pair.public)
        return load_signer(str(folder / "one.key"), nobody), Trust(load_public([str(folder / "one.pub")]))

    return make


@pytest.fixture(scope="session")
def somebody(make_signer: Callable[[], tuple[Signer, Trust]]) -> tuple[Signer, Trust]:
    return make_signer()


@pytest.fixture
def vetted(tmp_path: Path, somebody: tuple[Signer, Trust]) -> Vetted:
    return lay_out(tmp_path, somebody)


def lay_out(folder: Path, somebody: tuple[Signer, Trust]) -> Vetted:
    """Write the files of a verdict."""
    vetted = Vetted(folder, *somebody)
    vetted.part.parent.mkdir()
    vetted.model.write_bytes(bytes(range(256)))
    vetted.part.write_bytes(b"weights of the model")
    vetted.card.write_text("version: 1\ninput: {size: [4, 4]}\n", encoding="utf-8")
    vetted.policy.write_text("version: 1\nname: edge\nmetrics: []  # none yet\n", encoding="utf-8")
    vetted.report.write_text('{"reports": []}\n', encoding="utf-8")
    return vetted


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory, somebody: tuple[Signer, Trust]) -> Vetted:
    """Return files that laws change and put right again."""
    return lay_out(tmp_path_factory.mktemp("kept"), somebody)
