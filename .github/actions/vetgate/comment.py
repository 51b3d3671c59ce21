"""Write a pull request's comment, or put the new text into the one that an earlier run wrote.

A comment that cannot be written is a warning: whether the job fails is the verdict's business.
"""

from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

LONGEST = 65_536
"""Characters of a comment that GitHub takes."""
PAGES = 30
"""Pages of 100 comments that are looked through."""


def main() -> None:
    """Comment, or say why not."""
    number = _pull_request()
    if number is None:
        print("no comment: this run is not of a pull request")
        return
    try:
        print(f"comment: {write(number, _text())}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        hint = ""
        if isinstance(error, urllib.error.HTTPError) and error.code in (403, 404):
            hint = "; the job needs `pull-requests: write`, which pull requests of forks never have"
        print(f"::warning title=vetgate::no comment: {' '.join(str(error).split())}{hint}")


def write(number: int, text: str) -> str:
    """Write the comment and return where it is.

    Raises:
        OSError: GitHub cannot be asked, or refuses.
        ValueError: Its answer is none.
    """
    issues = f"/repos/{os.environ['GITHUB_REPOSITORY']}/issues"
    marker = text.partition("\n")[0]
    for page in range(1, PAGES + 1):
        comments = _ask("GET", f"{issues}/{number}/comments?per_page=100&page={page}")
        for comment in comments:
            # Only a bot's: anybody may write the marker, and the token may change what others wrote.
            if comment["user"]["type"] == "Bot" and comment["body"].startswith(marker):
                return str(_ask("PATCH", f"{issues}/comments/{int(comment['id'])}", {"body": text})["html_url"])
        if len(comments) < 100:
            break
    return str(_ask("POST", f"{issues}/{number}/comments", {"body": text})["html_url"])


def _text() -> str:
    """Return what to write: a marker of this call of the action, the reporter's text, where the reports are."""
    key = re.sub(r"[^A-Za-z0-9._]+", "-", os.environ["INPUT_ARTIFACT"])[:80]
    marker = f"<!-- vetgate action: {key} -->\n"
    url = os.environ.get("ARTIFACT_URL", "")
    foot = f"\n[All reports]({url})\n" if url.startswith("https://") else ""
    text = Path(os.environ["COMMENT_FILE"]).read_text(encoding="utf-8")
    text = re.sub(r"\A<!-- vetgate: [^\n]* -->\n", "", text)  # a run without a verdict has none, and must be found too
    return marker + text[: LONGEST - len(marker) - len(foot)] + foot


def _pull_request() -> int | None:
    event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
    number = event.get("pull_request", {}).get("number")
    return int(number) if number is not None else None


def _ask(method: str, path: str, body: dict[str, str] | None = None) -> Any:  # noqa: ANN401  # JSON
    base = os.environ.get("GITHUB_API_URL", "https://api.github.com")
    if not base.startswith(("https://", "http://")):
        raise ValueError(f"GITHUB_API_URL is {base!r}")
    request = urllib.request.Request(  # noqa: S310  # the scheme is looked at above
        base + path, method=method, data=json.dumps(body).encode() if body is not None else None
    )
    request.add_header("Accept", "application/vnd.github+json")
    request.add_header("Content-Type", "application/json")
    request.add_header("X-GitHub-Api-Version", "2022-11-28")
    request.add_unredirected_header("Authorization", f"Bearer {os.environ['INPUT_TOKEN']}")
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.load(answer)


if __name__ == "__main__":
    main()
