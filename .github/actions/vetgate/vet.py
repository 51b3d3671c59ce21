"""Run `vetgate check` once for the action, and tell the job what came of it; exits 0 whatever that was.

What is printed may hold a stranger's text (class names, file names, metadata), and a runner takes a line with `::` or
`##[` in it for a command, such as one that sets an output. So commands are stopped while vetgate prints.
"""

from __future__ import annotations

import collections
import glob
import io
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

NAMES = {
    "json": "report.json",
    "html": "report.html",
    "markdown": "report.md",
    "junit": "junit.xml",
    "sarif": "vetgate.sarif",
    "gitlab": "gl-code-quality-report.json",
    "comment": "comment.md",
    "github": "annotations.txt",
}
"""File of each format; others get `report.FORMAT`."""
ATTESTATIONS = "*.intoto.jsonl"
OUTPUTS = ("json", "html", "junit", "sarif", "markdown", "comment")
DECISIONS = ("fail", "inconclusive", "warn", "pass")
"""From the worst on; a report that tells another is none that is understood here."""
FAIL, USAGE, INCONCLUSIVE = 1, 2, 3
TOLD = 20
"""Last lines that are shown where there is no verdict."""


class Mistake(Exception):
    """What a user of the action got wrong, in one sentence."""


def given(name: str) -> str:
    """Return an input of the action without blanks around it; empty where it was not given."""
    return os.environ.get(f"INPUT_{name}", "").strip()


def lines(name: str) -> list[str]:
    """Return the lines of an input, without empty ones."""
    return [line.strip() for line in given(name).splitlines() if line.strip()]


def switched_on(name: str) -> bool:
    """Return whether an input says true.

    Raises:
        Mistake: It says neither true nor false.
    """
    text = given(name).lower() or "false"
    if text not in ("true", "false"):
        raise Mistake(f"{name.lower()} is {text!r}: write true or false")
    return text == "true"


def candidates(folder: Path) -> list[str]:
    """Return the models to vet; a pattern that matches none stays as it is, for vetgate to tell.

    Raises:
        Mistake: None is given.
    """
    found: dict[str, None] = {}  # a model that two lines name is vetted once
    for line in lines("CANDIDATE"):
        fits = [] if (folder / line).exists() else sorted(glob.glob(line, root_dir=folder, recursive=True))  # noqa: PTH207  # as typed, relative
        found |= dict.fromkeys(fits or [line])
    if not found:
        raise Mistake("candidate is empty: name the model files to vet, one a line")
    return list(found)


def places(folder: Path) -> dict[str, Path]:
    """Return where each report goes, by format.

    Raises:
        Mistake: A format has no sensible name.
    """
    formats = dict.fromkeys(["json", "github", *given("REPORTS").replace(",", " ").split()])
    if switched_on("COMMENT"):
        formats["comment"] = None
    odd = next((name for name in formats if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name)), None)
    if odd is not None:
        raise Mistake(f"reports names {odd!r}, which is no format")
    return {name: folder / NAMES.get(name, f"report.{name}") for name in formats}


def clear(target: Path, folder: Path, old: list[Path]) -> None:
    """Make the folder of the reports, and remove an earlier run's, or what somebody put there.

    Raises:
        Mistake: It lies behind a link, as one that a pull request brings along.
    """
    inside = target.is_relative_to(folder)
    if inside and any(
        path.is_symlink() for path in (target / "attestations", target, *target.parents) if path != folder
    ):
        raise Mistake(f"output-dir {target.relative_to(folder)} lies behind a link: name a folder of its own")
    target.mkdir(parents=True, exist_ok=True)
    for path in old:
        path.unlink(missing_ok=True)


def command(models: list[str], reports: dict[str, str], signed: str, key: str) -> list[str]:
    """Return the command line; `--` keeps a model's name from being taken for a flag."""
    line = [os.environ["VETGATE_COMMAND"], "check"]
    for name in ("reference", "data", "policy", "baseline"):
        if given(name.upper()):
            line.append(f"--{name}={given(name.upper())}")
    line += [f"--report={name}={path}" for name, path in reports.items()]
    if switched_on("STRICT"):
        line.append("--strict")
    if key:
        line += [f"--attest={key}", f"--attest-to={signed}"]
    return [*line, *lines("ARGS"), "--", *models]


def run(line: list[str], folder: Path) -> tuple[int, list[str]]:
    """Run vetgate with commands of the runner stopped, and return its exit code and the last lines that it printed."""
    told: collections.deque[str] = collections.deque(maxlen=TOLD)
    token = secrets.token_hex(16)
    print(f"::stop-commands::{token}", flush=True)
    try:
        with subprocess.Popen(
            line,
            cwd=folder,
            env={name: value for name, value in os.environ.items() if name != "VETGATE_SIGNING_KEY"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,  # one stream, for the runner reads two without order
            encoding="utf-8",
            errors="replace",
        ) as process:
            signal.signal(signal.SIGINT, lambda number, _: process.send_signal(number))  # the runner tells us alone
            signal.signal(signal.SIGTERM, lambda number, _: process.send_signal(number))
            for text in process.stdout or ():
                print(text, end="", flush=True)
                told.append(text.rstrip())
    finally:
        print(f"\n::{token}::", flush=True)
    killed_by = -process.returncode  # as a shell tells it, 137 where memory ran out
    return 128 + killed_by if killed_by > 0 else process.returncode, list(told)


def annotate(report: Path) -> None:
    """Print the annotations that vetgate wrote, if it did, and nothing else that the runner would obey."""
    text = report.read_text(encoding="utf-8") if report.is_file() else ""
    for line in text.split("\n"):
        if line.startswith(("::error ", "::warning ", "::notice ")):
            print(line, flush=True)


def read(report: Path) -> tuple[str, str]:
    """Return the decision and the OpScore that a JSON report tells; empty where it was not written."""
    try:
        reports = json.loads(report.read_text(encoding="utf-8"))["reports"]
        decisions = {entry["verdict"]["decision"] for entry in reports}
        scores = {entry["candidate"]["name"]: _opscore(entry) for entry in reports}
    except (OSError, ValueError, KeyError, TypeError):
        return "", ""
    if not decisions <= set(DECISIONS):
        return "", ""
    worst = next((name for name in DECISIONS if name in decisions), "")
    if len(scores) > 1:
        return worst, json.dumps(scores)
    return worst, "".join(str(score) for score in scores.values() if score is not None)


def _opscore(entry: dict[str, Any]) -> float | None:
    for evidence in entry["evidence"]:
        for figure in evidence["measurements"]:
            if (figure["metric"], figure["role"], figure["slice"]) == ("opscore.inference", "candidate", None):
                return float(figure["value"]) if figure["value"] is not None else None
    return None


def output(**values: str) -> None:
    """Hand outputs to the runner; no value can end its own block."""
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8", errors="replace") as file:
        for name, value in values.items():
            end = f"end-{secrets.token_hex(16)}"
            file.write(f"{name}<<{end}\n{value}\n{end}\n")


def tell(code: int, told: list[str], comment: Path | None) -> None:
    """Say where people look that there is no verdict: an annotation, the summary of the job, the comment."""
    text = "\n".join(re.sub(r"[^\x20-\x7e\xa0-\ud7ff\ue000-\U0010ffff]", " ", line) for line in told)
    why = next((line for line in told if line.startswith(("error:", "Error:"))), f"error: vetgate ended with {code}")
    escaped = why.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    print(f"::error title=vetgate has no verdict (exit code {code})::{escaped}", flush=True)
    fence = "`" * max(3, 1 + max((len(found) for found in re.findall("`+", text)), default=0))
    page = f"### vetgate has no verdict\n\nIt ended with exit code {code}.\n\n{fence}text\n{text}\n{fence}\n"
    if os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(os.environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as file:
            file.write(page)
    if comment is not None:
        comment.write_text(page, encoding="utf-8")


def sign_with(private: Path) -> str:
    """Return the key that signs, empty where none does; one from a secret is written to a private folder.

    Raises:
        Mistake: Two are given.
    """
    content = os.environ.get("VETGATE_SIGNING_KEY", "")
    if not content:
        return given("ATTEST")
    if given("ATTEST"):
        raise Mistake("attest and VETGATE_SIGNING_KEY both name a key: give one")
    file = private / "signing.key"
    file.touch(mode=0o600)
    file.write_text(content if content.endswith("\n") else f"{content}\n", encoding="utf-8")
    return str(file)


def vet(folder: Path, reports: dict[str, Path], signed: Path) -> tuple[int, list[str]]:
    """Vet, with the key gone afterwards.

    Raises:
        Mistake: An input makes no sense.
    """
    models = candidates(folder)
    with tempfile.TemporaryDirectory(prefix="vetgate-", dir=os.environ.get("RUNNER_TEMP")) as private:
        key = sign_with(Path(private))
        if key:
            signed.mkdir(exist_ok=True)
        told = {name: os.path.relpath(path, folder) for name, path in reports.items()}
        return run(command(models, told, os.path.relpath(signed, folder), key), folder)


def settle(code: int, decision: str) -> tuple[int, str]:
    """Return the exit code and the decision, neither of them better than the other; unknown is never a pass.

    Args:
        code: Of vetgate.
        decision: What the JSON report says; empty where there is none.
    """
    if code == 0 and decision not in ("pass", "warn"):
        code = INCONCLUSIVE
    if code == 0:
        return code, decision
    if code == FAIL:
        return code, decision if decision == "warn" else "fail"
    return code, "inconclusive" if code == INCONCLUSIVE else "error"


def main() -> None:
    """Vet, and hand on the outputs."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    folder = Path(given("WORKING_DIRECTORY") or ".").resolve()
    target = folder / (given("OUTPUT_DIR") or "vetgate-reports")
    signed = target / "attestations"
    reports: dict[str, Path] = {}
    try:
        wanted = places(target)
        clear(target, folder, [*wanted.values(), *signed.glob(ATTESTATIONS)])
        reports = wanted
        code, told = vet(folder, reports, signed)
        annotate(reports["github"])
    except (Mistake, OSError) as error:
        code, told = USAGE, [f"error: {error}"]
    found, opscore = read(reports["json"]) if reports else ("", "")
    code, decision = settle(code, found)
    if not found:
        tell(code, told, reports.get("comment"))
    written = [path for path in reports.values() if path.is_file()]
    attestations = sorted(signed.glob(ATTESTATIONS)) if reports else []
    output(
        **{"exit-code": str(code), "decision": decision, "opscore": opscore, "reports": str(target)},
        **{name: str(reports[name]) if reports.get(name) in written else "" for name in OUTPUTS},
        attestations="\n".join(str(path) for path in attestations),
        files="\n".join(str(path) for path in [*written, *attestations]),
    )


if __name__ == "__main__":
    main()
