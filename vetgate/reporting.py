"""The door for reporters: the report's nouns and how figures are printed."""

from vetgate.domain.evidence import Evidence, Finding, Measurement, Of, Outcome, Picture, Severity, Table
from vetgate.domain.report import DataSummary, Environment, ModelSummary, PolicySummary, Report, ReportSet
from vetgate.domain.specs import Reporter, ReporterSpec
from vetgate.domain.unit import Unit, format_quantity
from vetgate.domain.verdict import Decision, Ruling, Verdict
from vetgate.hookspecs import hookimpl

__all__ = [
    "DataSummary",
    "Decision",
    "Environment",
    "Evidence",
    "Finding",
    "Measurement",
    "ModelSummary",
    "Of",
    "Outcome",
    "Picture",
    "PolicySummary",
    "Report",
    "ReportSet",
    "Reporter",
    "ReporterSpec",
    "Ruling",
    "Severity",
    "Table",
    "Unit",
    "Verdict",
    "format_quantity",
    "hookimpl",
]
