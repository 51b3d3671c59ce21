"""`vetgate inspect`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from vetgate.domain.artifact import Artifact
    from vetgate.domain.structure import Port
    from vetgate.gate import Look


@click.command("inspect", short_help="Show what a model file holds and what it would be fed.")
@click.argument("model")
@click.option(
    "--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How it is told."
)
@click.option("--card", metavar="FILE", help="The model's card, if it does not lie beside it.")
@click.option("--architecture", metavar="SPEC", help="For files that hold only weights; as for check.")
@click.option(
    "--execution",
    multiple=True,
    metavar="NAME=VALUE",
    help="How it is to be run, as for check: such as runtime=openvino, which then tells what the file holds.",
)
@click.option("--write-card", is_flag=True, help="Write MODEL.yaml with what the file shows, to be filled in.")
@click.option("--preview", metavar="IMAGE", help="Show what the model would be fed for an image.")
@click.option("--timeout", type=float, default=60.0, metavar="SECONDS", help="Longest wait for the file to be read.")
def command(
    model: str,
    style: str,
    card: str | None,
    architecture: str | None,
    execution: tuple[str, ...],
    write_card: bool,
    preview: str | None,
    timeout: float,
) -> None:
    """Show format, digests, signature, size, parameters, MACs, operators and metadata of MODEL; nothing of it runs.

    \b
        vetgate inspect candidate.onnx
        vetgate inspect candidate.onnx --write-card
        vetgate inspect candidate.onnx --preview cat.jpg
    """
    import os

    from vetgate.cli.execution import read_execution
    from vetgate.cli.settings import from_flags, gather
    from vetgate.domain.errors import UsageError
    from vetgate.gate import inspect_model
    from vetgate.host import find_plugins

    asked = read_execution(execution, "--execution") or None
    given = {"architecture": architecture, "timeout": timeout, "execution": asked}
    settings = gather(from_flags(given), Path.cwd(), os.environ)
    host = find_plugins(settings.disable or (), settings.prefer or {})
    if write_card and _card_place(model).exists():
        raise UsageError(f"{_card_place(model)} exists already and was left as it is", hint="edit it, or move it away")
    look = inspect_model(
        model, host, card=card, architecture=settings.architecture, seconds=timeout, execution=settings.execution
    )
    if style == "json":
        click.echo(_as_json(look))
    else:
        _show(look)
    if write_card:
        _write_card(model, look)
    if preview is not None:
        _preview(preview, model, look, quiet=style == "json")


def _as_json(look: Look) -> str:
    import json

    card = {"source": look.card.source, "card": look.card.card.model_dump(mode="json")} if look.card else None
    parts = {
        "artifact": look.artifact.model_dump(mode="json", exclude={"path"}) | {"sha256": look.artifact.sha256},
        "structure": look.structure.model_dump(mode="json") | {"macs": look.structure.macs},
        "card": card,
        "card_problem": look.card_problem,
        "scan": look.scanned.model_dump(mode="json") if look.scanned else None,
    }
    return json.dumps(parts, indent=2, ensure_ascii=False)


def _show(look: Look) -> None:
    artifact, structure = look.artifact, look.structure
    learned = [tensor for tensor in structure.tensors if tensor.kind != "state"]
    params, nonzero = sum(tensor.elements for tensor in learned), sum(tensor.nonzero for tensor in learned)
    norms = sum(tensor.elements for tensor in learned if tensor.kind == "normalisation")
    held = f"{params:,} ({norms:,} of them normalisation), {nonzero:,} not zero" if learned else "none that it tells"
    macs = structure.macs
    rows = [
        ("model", artifact.name),
        ("format", f"{artifact.format} (opened by {artifact.backend})"),
        *_pinned(artifact)[:1],
        *(("scan", line) for line in _scan_lines(look)),
        *_pinned(artifact)[1:],
        *(("input", _port(port)) for port in structure.inputs),
        *(("output", _port(port)) for port in structure.outputs),
        ("parameters", held),
        ("MACs", f"{macs:,} for one image" if macs is not None else "not known"),
        ("execution", look.offers),
        ("operators", ", ".join(f"{item.type} {item.count}" for item in structure.operators) or "not known"),
        *(("metadata", f"{key} = {value[:100]!r}") for key, value in sorted(structure.metadata.items())),
        *(("note", note) for note in structure.notes),
        ("card", look.card.source if look.card else look.card_problem or "none; --write-card drafts one"),
    ]
    for name, text in rows:
        first, *more = text.splitlines() or [""]
        click.echo("\n".join([f"{name:<11} {_plain(first)}", *(f"{'':<11} {_plain(line)}" for line in more)]))


def _pinned(artifact: Artifact) -> list[tuple[str, str]]:
    """Return what pins a model: its digest and size, or who answers for it."""
    service = artifact.service
    if service is None:
        size = f"{artifact.size / 1e6:.4g} MB in {len(artifact.members)} file(s)"
        return [("sha256", artifact.sha256), ("size", size)]
    told = (f"{service.server} {service.server_version}", f"{service.url} by {service.protocol}")
    return [("service", ", ".join(told)), ("version", service.version or "none is told")]


def _scan_lines(look: Look) -> list[str]:
    """Return what was found in the file before it was described."""
    if look.scanned is None:
        return []
    found = [f"{item.severity.name.lower()} {item.rule}: {item.message}" for item in look.scanned.findings]
    return [str(look.scanned.summary.state), *found]


def _plain(text: str) -> str:
    """Return text of an untrusted file without control characters."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def _port(port: Port) -> str:
    shape = " x ".join("?" if length is None else str(length) for length in port.shape)
    quantised = f", scale {port.scale:.6g}, zero point {port.zero_point}" if port.scale is not None else ""
    return f"{port.name} {port.dtype} {shape}{quantised}"


def _card_place(model: str) -> Path:
    """Return where the draft of a card goes: beside a file, here for a model that is fetched."""
    from vetgate.domain.source import scheme_of, stem_of

    return Path(f"{model if scheme_of(model) is None else stem_of(model)}.yaml")


def _write_card(model: str, look: Look) -> None:
    from vetgate.cli.output import write_whole
    from vetgate.domain.errors import UsageError

    path = _card_place(model)
    if path.exists():
        raise UsageError(f"{path} exists already and was left as it is")
    write_whole(path, look.draft.encode())
    click.echo(f"wrote {path}; replace every FILL-IN in it", err=True)


def _preview(image: str, model: str, look: Look, *, quiet: bool) -> None:
    import io

    import numpy as np
    from PIL import Image

    from vetgate.artifacts import missing_card
    from vetgate.cli.output import write_whole
    from vetgate.domain.errors import CardError
    from vetgate.gate import preview

    if look.card is None:
        raise CardError(look.card_problem) if look.card_problem else missing_card(model)
    card = look.card.card.input
    fed = preview(image, look.card.card)
    say = partial(click.echo, err=quiet)
    planes = fed.values[0] if card.layout == "NCHW" else np.moveaxis(fed.values[0], -1, 0)
    names = {"grey": ["grey"], "rgb": ["red", "green", "blue"], "bgr": ["blue", "green", "red"]}[card.colour]
    say(f"fed         {' x '.join(map(str, fed.values.shape))} {card.layout}, float32 before any quantisation")
    for name, plane in zip(names, planes, strict=True):
        low, mean, high = float(plane.min()), float(plane.mean()), float(plane.max())
        say(f"  {name:<9} least {low:.4g}, mean {mean:.4g}, most {high:.4g}")
    target = Path(f"{Path(model).name}.preview.png")
    pixels = fed.pixels[:, :, 0] if fed.pixels.shape[2] == 1 else fed.pixels
    picture = io.BytesIO()
    Image.fromarray(pixels).save(picture, format="PNG")
    write_whole(target, picture.getvalue())
    say(f"  picture   {target}: what reaches the model, before numbers are scaled")
