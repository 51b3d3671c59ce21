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


def _explanation() -> Reporter:
    from vetgate_reporters.explanation import ExplanationReporter

    return ExplanationReporter()


def _explanation_markdown() -> Reporter:
    from vetgate_reporters.explanation_markdown import ExplanationMarkdownReporter

    return ExplanationMarkdownReporter()


@hookimpl
def vetgate_reporters() -> tuple[ReporterSpec, ...]:
    """Declare the report formats."""
    return (
        ReporterSpec("terminal", "decision, rulings and evidence as text", ".txt", _terminal),
        ReporterSpec("json", "everything, for machines and for `vetgate judge`", ".json", _json),
        ReporterSpec("markdown", "for pull request comments and job summaries", ".md", _markdown),
        ReporterSpec("explanation", "what candidates lost as text; for vetgate explain", ".txt", _explanation),
        ReporterSpec("explanation-markdown", "the same for comments and summaries", ".md", _explanation_markdown),
    )
