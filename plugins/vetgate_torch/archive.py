# ruff: noqa: ANN401  # PyTorch's archive reader has no types
"""Rebuild a .pt2 archive in memory so that nothing in it can run code when PyTorch loads it.

`torch.export.load` unpickles several members with weights_only=False (sample inputs by a silent fallback, tensor
subclasses, opaque constants), loads compiled libraries, and evaluates text of the graph (see program.py). So the
archive is rebuilt from the checked graph, raw tensor bytes, and tensors that weights_only loading gave back, saved
anew. Sample inputs are dropped. Members are read by PyTorch's own reader: no second zip parser can see another file.
"""

from __future__ import annotations

import io
import json
from typing import Any

import torch
from torch.export.pt2_archive import PT2ArchiveReader, PT2ArchiveWriter

from vetgate.api import Artifact, UnreadableArtifact
from vetgate_torch.program import Unsafe, rebuilt
from vetgate_torch.refusal import reading, refused

_MODEL = "models/model.json"
_SAMPLE_INPUTS = "data/sample_inputs/model.pt"
_PLAIN = ("data/weights/", "data/constants/")
_MACHINE_CODE = ("data/aotinductor/", "data/executorch/", "data/mtia/")
_OBJECTS = ("data/constants/custom_obj_", "data/constants/opaque_obj_")
_LONGEST_TEXT = 1000


def harmless(artifact: Artifact) -> tuple[io.BytesIO, dict[str, str]]:
    """Return the archive rebuilt, and the texts that it carries about itself.

    Raises:
        UnreadableArtifact: It is corrupt, or holds what could run code.
    """
    with reading(artifact):
        try:
            reader: Any = PT2ArchiveReader(artifact.path)
        except (RuntimeError, AssertionError):
            _refuse_older(artifact)
            raise
        names: list[str] = reader.get_file_names()
    _refuse_code(artifact, names)
    buffer = io.BytesIO()
    with reading(artifact), PT2ArchiveWriter(buffer) as writer:
        _copy(artifact, reader, writer, names)
        metadata = {
            name.removeprefix("extra/"): reader.read_bytes(name)[:_LONGEST_TEXT].decode("utf-8", "replace")
            for name in names
            if name.startswith("extra/")
        }
    buffer.seek(0)
    return buffer, metadata


def _refuse_older(artifact: Artifact) -> None:
    if b"serialized_exported_program.json" in artifact.file.read_bytes():
        raise UnreadableArtifact(
            f"{artifact.name} was exported by PyTorch 2.7 or older, whose archive this version does not read",
            hint="load and save it again with torch.export of PyTorch 2.9 or newer",
        )


def _refuse_code(artifact: Artifact, names: list[str]) -> None:
    for prefixes, what in ((_MACHINE_CODE, "compiled machine code"), (_OBJECTS, "pickled objects")):
        held = [name for name in names if name.startswith(prefixes)]
        if held:
            raise UnreadableArtifact(
                f"{artifact.name} carries {what} ({held[0]}), which can run code, so it is not loaded",
                hint="export the plain model with torch.export.save",
            )
    programs = [name for name in names if name.startswith("models/")]
    if programs != [_MODEL]:
        raise UnreadableArtifact(
            f"{artifact.name} holds the programs {', '.join(programs) or 'none'}; expected {_MODEL} alone",
            hint="save one program with torch.export.save",
        )


def _copy(artifact: Artifact, reader: Any, writer: Any, names: list[str]) -> None:
    try:
        writer.write_bytes(_MODEL, rebuilt(reader.read_bytes(_MODEL)))
    except Unsafe as error:
        raise UnreadableArtifact(
            f"{artifact.name} is not loaded, for loading could run code: {error}",
            hint="export the model again with torch.export.save, or as ONNX with torch.onnx.export",
        ) from None
    writer.write_bytes(_SAMPLE_INPUTS, b"")
    pickled = _pickled(reader, names)
    for name in names:
        if not name.startswith(_PLAIN):
            continue
        content = reader.read_bytes(name)
        if name in pickled:
            content = _saved_anew(f"{artifact.name} ({name})", content)
        elif name.endswith("_config.json"):
            content = _on_cpu(content)
        writer.write_bytes(name, content)
    for name in ("archive_format", "archive_version"):
        writer.write_bytes(name, reader.read_bytes(name))


def _pickled(reader: Any, names: list[str]) -> set[str]:
    """Return the members that PyTorch would unpickle: the older layout's, and those that a config marks."""
    found: set[str] = {name for name in ("data/weights/model.pt", "data/constants/model.pt") if name in names}
    for folder, config in (("weights", "weights"), ("constants", "constants")):
        name = f"data/{folder}/model_{config}_config.json"
        if name in names:
            entries = json.loads(reader.read_bytes(name))["config"].values()
            found |= {f"data/{folder}/{entry['path_name']}" for entry in entries if entry["use_pickle"]}
    return found


def _saved_anew(what: str, content: bytes) -> bytes:
    """Return the pickled tensors as pickled by this process, so that what was checked is what is loaded."""
    try:
        value = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:
        raise refused(what, error) from None
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def _on_cpu(config: bytes) -> bytes:
    content = json.loads(config)
    for entry in content["config"].values():
        if entry.get("tensor_meta"):
            entry["tensor_meta"]["device"] = {"type": "cpu", "index": None}
    return json.dumps(content).encode()
