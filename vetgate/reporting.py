"""The door for reporters: the report's nouns and how figures are printed."""

from vetgate.domain.artifact import Member
from vetgate.domain.evidence import (
    Better,
    Capital,
    Counts,
    Evidence,
    Exact,
    Exhibit,
    Finding,
    Measurement,
    Of,
    Outcome,
    PairedCounts,
    Pairs,
    Picture,
    Quantiles,
    Severity,
    Table,
    Uncertainty,
    Unstated,
)
from vetgate.domain.model import Execution
from vetgate.domain.report import DataSummary, Environment, ModelSummary, PolicySummary, Report, ReportSet
from vetgate.domain.specs import Reporter, ReporterSpec, StyledReporter
from vetgate.domain.unit import Unit, format_about, format_beside, format_limit, format_quantity
from vetgate.domain.verdict import Decision, Ruling, Verdict
from vetgate.hookspecs import hookimpl

__all__ = [
    "Better",
    "Capital",
    "Counts",
    "DataSummary",
    "Decision",
    "Environment",
    "Evidence",
    "Exact",
    "Execution",
    "Exhibit",
    "Finding",
    "Measurement",
    "Member",
    "ModelSummary",
    "Of",
    "Outcome",
    "PairedCounts",
    "Pairs",
    "Picture",
    "PolicySummary",
    "Quantiles",
    "Report",
    "ReportSet",
    "Reporter",
    "ReporterSpec",
    "Ruling",
    "Severity",
    "StyledReporter",
    "Table",
    "Uncertainty",
    "Unit",
    "Unstated",
    "Verdict",
    "format_about",
    "format_beside",
    "format_limit",
    "format_quantity",
    "hookimpl",
]
