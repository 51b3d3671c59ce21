"""Looks in cards and configurations that lie beside a model for code that they name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from vetgate.api import Finding, Probe, ScanContext
from vetgate_scan import other_rules as rule
from vetgate_scan.found import Found, quoted

_CONFIGS = frozenset(
    [
        "config.json",
        "preprocessor_config.json",
        "processor_config.json",
        "image_processor_config.json",
        "tokenizer_config.json",
        "model_index.json",
        "adapter_config.json",
        "generation_config.json",
        "hubconf.py",
    ]
)
_REMOTE_KEYS = frozenset({"auto_map", "trust_remote_code", "custom_pipeline", "custom_pipelines"})
_HUB = re.compile(r"torch\.hub\.load|hubconf|(?:^|[\s\"'])(?:git\+)?https?://[^\s\"']+\.(?:py|zip|git|whl|tar\.gz)\b")
_OWN = re.compile(r"(torchvision|timm)/[A-Za-z0-9_.\-]+\Z")
_LONGEST = 1 << 20
_DEEPEST = 32
_MOST_VALUES = 100_000


def recognise(probe: Probe) -> bool:
    """Return True: what lies beside a file does not depend on its bytes."""
    return probe.size >= 0


class CardScanner:
    """Reads the card and the configurations beside the model, in the artifact and where the user has it."""

    def scan(self, context: ScanContext) -> tuple[Finding, ...]:
        """Return what was found."""
        return tuple(finding for file in _beside(context) for finding in scan_file(file))


def _beside(context: ScanContext) -> Iterator[Path]:
    """Yield files beside the model that other tools, or this one, would read with it; each name once."""
    seen: set[str] = set()
    for folder, model in (
        (context.artifact.file.parent, context.artifact.file.name),
        (Path(context.artifact.name).parent, Path(context.artifact.name).name),
    ):
        for name in (*sorted(_CONFIGS), f"{model}.yaml"):
            file = folder / name
            if name not in seen and _is_file(file):
                seen.add(name)
                yield file


def _is_file(file: Path) -> bool:
    try:
        return file.is_file()
    except (OSError, ValueError):
        return False


def scan_file(file: Path) -> tuple[Finding, ...]:
    """Return what was found in one card or configuration."""
    found = Found(file.name)
    try:
        with file.open("rb") as opened:
            data = opened.read(_LONGEST + 1)
    except OSError:
        return ()  # what this process may not read it cannot judge, and nothing here reads it later
    if file.suffix == ".py":
        found.add(rule.REMOTE, "hubconf.py makes torch.hub import it")
        return found.all()
    try:
        told = _parsed(data, file.suffix == ".yaml")
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        found.add(rule.UNREADABLE, f"it cannot be read: {str(error)[:200]}")
        return found.all()
    for key, value in _values(told):
        _look_at(key, value, found)
    return found.all()


def _parsed(data: bytes, is_yaml: bool) -> object:
    if len(data) > _LONGEST:
        raise ValueError(f"it is longer than {_LONGEST:,} bytes")
    text = data.decode("utf-8-sig")
    if not is_yaml:
        told: object = json.loads(text)
        return told
    if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
        raise ValueError("it uses aliases, of which a few lines make gigabytes")
    loaded: object = yaml.safe_load(text)
    return loaded


def _values(told: object) -> Iterator[tuple[str, object]]:
    """Yield keys with their values, from every depth."""
    waiting: list[tuple[str, object, int]] = [("", told, 0)]
    for _ in range(_MOST_VALUES):
        if not waiting:
            return
        key, value, depth = waiting.pop()
        yield key, value
        if depth < _DEEPEST and isinstance(value, dict):
            waiting += [(str(name), inner, depth + 1) for name, inner in value.items()]
        elif depth < _DEEPEST and isinstance(value, list):
            waiting += [(key, inner, depth + 1) for inner in value]


def _look_at(key: str, value: object, found: Found) -> None:
    if key in _REMOTE_KEYS and value not in (None, False, {}, []):
        found.add(rule.REMOTE, f"{key} is {quoted(str(value))}")
    elif isinstance(value, str) and _HUB.search(value):
        found.add(rule.REMOTE, f"{quoted(key)} is {quoted(value)}")
    elif key == "architecture" and isinstance(value, str) and ":" in value and not _OWN.match(value):
        found.add(rule.CARD, f"its architecture is {quoted(value)}")
