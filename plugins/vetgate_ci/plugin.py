"""Declares the formats; what writes one is imported when it is asked for."""

from __future__ import annotations

from vetgate.api import Reporter, ReporterSpec, hookimpl


def _junit() -> Reporter:
    from vetgate_ci.junit import JunitReporter

    return JunitReporter()


def _sarif() -> Reporter:
    from vetgate_ci.sarif import SarifReporter

    return SarifReporter()


def _gitlab() -> Reporter:
    from vetgate_ci.gitlab import GitlabReporter

    return GitlabReporter()


def _github() -> Reporter:
    from vetgate_ci.github import GithubReporter

    return GithubReporter()


@hookimpl
def vetgate_reporters() -> tuple[ReporterSpec, ...]:
    """Declare the formats."""
    return (
        ReporterSpec("junit", "one test case a rule, for every CI that shows tests", ".xml", _junit),
        ReporterSpec("sarif", "failed rules and findings, for GitHub code scanning", ".sarif", _sarif),
        ReporterSpec("gitlab", "the same as a code quality report of GitLab", ".gitlab.json", _gitlab),
        ReporterSpec("github", "the same as annotations in a log of GitHub Actions", ".github.txt", _github),
    )
