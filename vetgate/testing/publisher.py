"""What every publisher must hold, as a test class to inherit. Subclasses give the abstract methods."""

from __future__ import annotations

import datetime
from abc import ABC, abstractmethod

import pytest

from vetgate.domain.errors import Inconclusive, UsageError
from vetgate.domain.publish import PublishContext, WrittenFile
from vetgate.domain.report import Environment, ModelSummary, PolicySummary, Report, ReportSet
from vetgate.domain.source import ModelOrigin
from vetgate.domain.specs import PublisherSpec
from vetgate.domain.verdict import Decision, Verdict


class PublisherContract(ABC):
    """What a publisher must hold, on one that can be asked in a test: a server on this machine, or none at all."""

    @abstractmethod
    def spec(self) -> PublisherSpec:
        """Return the spec under test."""

    @abstractmethod
    def settings(self) -> dict[str, str]:
        """Return settings with which it can be asked, among them whatever makes others use a model that passes."""

    @abstractmethod
    def candidate(self) -> tuple[str, ModelOrigin | None]:
        """Return a candidate's name that it can publish verdicts on, and where it was fetched from."""

    @abstractmethod
    def in_use(self) -> bool:
        """Return whether others would now use that candidate."""

    @abstractmethod
    def asked(self) -> int:
        """Return how often somebody outside this process was asked so far."""

    def _reports(self, decision: Decision) -> ReportSet:
        name, origin = self.candidate()
        digest = "3" * 64
        report = Report(
            candidate=ModelSummary(name=name, origin=origin, format="toy", sha256=digest, size=1),
            reference=ModelSummary(name="reference", format="toy", sha256=digest, size=1),
            data=None,
            policy=PolicySummary(name="toy", sha256=digest, source="toy.yaml"),
            verdict=Verdict(decision=decision, because="it is a test", rulings=()),
            evidence=(),
            environment=Environment(
                vetgate="0", python="3", platform="x", processor="x", cores=1, memory=1, packages={}
            ),
            seed=0,
            command=("vetgate", "check", name),
            started=datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC),
            seconds=1.0,
        )
        return ReportSet(reports=(report,))

    def _publish(self, decision: Decision, wanted: bool = True) -> tuple[str, ...]:
        def require_wanted() -> None:
            if not wanted:
                raise Inconclusive("nobody waits")

        reports = self._reports(decision)
        files = (WrittenFile("json", "report.json", reports.model_dump_json().encode()),)
        context = PublishContext(60.0, require_wanted)
        return self.spec().factory(self.settings()).publish(reports, files, context)

    def test_making_one_asks_nobody_and_says_where_results_would_go(self) -> None:
        publisher = self.spec().factory(self.settings())
        publisher.require([self.candidate()[0]])
        assert publisher.about.strip()
        assert publisher.about.isprintable()
        assert self.asked() == 0

    def test_a_setting_that_it_does_not_know_is_refused_by_name(self) -> None:
        with pytest.raises(UsageError, match="no-such-setting"):
            self.spec().factory({**self.settings(), "no-such-setting": "1"})
        assert self.asked() == 0

    def test_every_setting_has_a_line_of_help(self) -> None:
        assert set(self.settings()) <= set(self.spec().settings)
        assert all(line.strip() and "\n" not in line for line in self.spec().settings.values())

    @pytest.mark.parametrize("decision", [Decision.WARN, Decision.INCONCLUSIVE, Decision.FAIL])
    def test_what_is_no_pass_is_published_and_used_by_nobody(self, decision: Decision) -> None:
        assert self._publish(decision)
        assert not self.in_use()

    def test_a_pass_is_published_and_may_be_used(self) -> None:
        lines = self._publish(Decision.PASS)
        assert lines
        assert all(line.isprintable() for line in lines)
        assert self.in_use()

    def test_a_pass_that_nobody_waits_for_is_used_by_nobody(self) -> None:
        with pytest.raises(Inconclusive, match="nobody waits"):
            self._publish(Decision.PASS, wanted=False)
        assert not self.in_use()
