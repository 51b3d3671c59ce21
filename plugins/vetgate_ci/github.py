"""Annotations of GitHub Actions: workflow commands on stdout, which a runner shows on the run and beside the files.

    ::error title=vetgate%3A latency.p50/ratio fails,file=policy.yaml,line=4::latency.p50 of candidate over ...

A rule that fails or is inconclusive and a grave finding are errors, a rule that warns and a medium finding warnings; an
info or low finding is none, it stands in the reports. A runner shows ten errors and ten warnings of a step and drops
the rest without a word, so the worst come first, and where there are more the tenth says how many.

A line break would end a command, and a comma or colon a property, so all are escaped as the runner reads them. Who
prints other text of strangers in the same step, stops commands meanwhile (`::stop-commands::TOKEN`).

See https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from collections.abc import Sequence

from vetgate.reporting import ReportSet
from vetgate.wording.text import name, shorten
from vetgate_ci.alert import Alert, Grade, alerts
from vetgate_ci.place import LONGEST

MOST = 10
"""Annotations of one kind that a runner takes of a step."""
LONGEST_MESSAGE = 2_000
"""Characters; a runner cuts what is longer than 4,096 bytes."""
_COMMANDS = {Grade.ERROR: "error", Grade.WARNING: "warning"}


class GithubReporter:
    """Writes one command a line, none where everything passes."""

    def render(self, reports: ReportSet) -> str:
        """Return the lines."""
        found = alerts(reports)
        lines = [
            line
            for grade, command in _COMMANDS.items()
            for line in _lines(command, [alert for alert in found if alert.grade is grade])
        ]
        return "".join(f"{line}\n" for line in lines)


def _lines(command: str, found: Sequence[Alert]) -> list[str]:
    shown = found if len(found) <= MOST else found[: MOST - 1]
    lines = [_line(command, alert) for alert in shown]
    if len(shown) < len(found):
        told = f"{len(found) - len(shown):,} more {command}s; the reports of this run have them all"
        lines.append(f"::{command} title={_property('vetgate: and more')}::{_data(told)}")
    return lines


def _line(command: str, alert: Alert) -> str:
    file = ""
    if alert.place.is_file:
        file = f",file={_property(name(alert.place.path, LONGEST))},line={alert.place.line}"
    title = _property(shorten(f"vetgate: {alert.title}", 255))
    return f"::{command} title={title}{file}::{_data(shorten(alert.message, LONGEST_MESSAGE))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
