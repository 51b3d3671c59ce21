"""Declares the reporters; what draws is imported when it is asked for."""

from __future__ import annotations

from vetgate.api import Reporter, ReporterSpec, hookimpl


def _terminal() -> Reporter:
    from vetgate_reporters.terminal import TerminalReporter

    return TerminalReporter()


def _json() -> Reporter:
    from vetgate_reporters.json_report import JsonReporter

    return JsonReporter()


def _markdown() -> Reporter:
    from vetgate_reporters.markdown import MarkdownReporter

    return MarkdownReporter()


@hookimpl
def vetgate_reporters() -> tuple[ReporterSpec, ...]:
    """Declare the three report formats."""
    return (
        ReporterSpec("terminal", "decision, rulings and evidence as text", ".txt", _terminal),
        ReporterSpec("json", "everything, for machines and for `vetgate judge`", ".json", _json),
        ReporterSpec("markdown", "for pull request comments and job summaries", ".md", _markdown),
    )
