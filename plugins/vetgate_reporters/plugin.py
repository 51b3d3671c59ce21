"""Declares the reporters; what draws is imported when it is asked for."""

from __future__ import annotations

from typing import Any

from vetgate.api import Difference, Drawing, DrawingSpec, Reporter, ReporterSpec, hookimpl


def _terminal() -> Reporter:
    from vetgate_reporters.terminal import TerminalReporter

    return TerminalReporter()


def _json() -> Reporter:
    from vetgate_reporters.json_report import JsonReporter

    return JsonReporter()


def _markdown() -> Reporter:
    from vetgate_reporters.markdown import MarkdownReporter

    return MarkdownReporter()


def _comment() -> Reporter:
    from vetgate_reporters.comment import CommentReporter

    return CommentReporter()


def _github_summary() -> Reporter:
    from vetgate_reporters.github_summary import GithubSummaryReporter

    return GithubSummaryReporter()


def _explanation() -> Reporter:
    from vetgate_reporters.explanation import ExplanationReporter

    return ExplanationReporter()


def _explanation_markdown() -> Reporter:
    from vetgate_reporters.explanation_markdown import ExplanationMarkdownReporter

    return ExplanationMarkdownReporter()


def _diff() -> Drawing[Any]:
    from vetgate_reporters.diff_terminal import DiffText

    return DiffText()


def _diff_markdown() -> Drawing[Any]:
    from vetgate_reporters.diff_markdown import DiffMarkdown

    return DiffMarkdown()


def _diff_json() -> Drawing[Any]:
    from vetgate_reporters.diff_json import DiffJson

    return DiffJson()


@hookimpl
def vetgate_reporters() -> tuple[ReporterSpec, ...]:
    """Declare the report formats."""
    return (
        ReporterSpec("terminal", "decision, rulings and evidence as text", ".txt", _terminal),
        ReporterSpec("json", "everything, for machines and for `vetgate judge`", ".json", _json),
        ReporterSpec("markdown", "for people, wherever Markdown is read", ".md", _markdown),
        ReporterSpec("comment", "for a comment on a pull request that is updated in place", ".comment.md", _comment),
        ReporterSpec("github-summary", "for the summary of a GitHub job", ".summary.md", _github_summary),
        ReporterSpec("explanation", "what candidates lost as text; for vetgate explain", ".txt", _explanation),
        ReporterSpec("explanation-markdown", "the same for comments and summaries", ".md", _explanation_markdown),
    )


@hookimpl
def vetgate_drawings() -> tuple[DrawingSpec, ...]:
    """Declare the formats of `vetgate diff`."""
    told = "what got better, worse, new and gone between two reports, as text"
    return (
        DrawingSpec("diff", told, Difference, ".txt", _diff),
        DrawingSpec("diff-markdown", "the same for comments and job summaries", Difference, ".md", _diff_markdown),
        DrawingSpec("diff-json", "the same for machines", Difference, ".json", _diff_json),
    )
