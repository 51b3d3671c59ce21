"""A model repository with one ONNX model, as a server loads it: configuration, and code that runs it where needed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vetgate.api import Inconclusive, Port
from vetgate_triton.facts import CODES

MODEL = "candidate"
"""What the server calls it."""
VERSION = "1"

_CODE = '''\
"""Runs an ONNX file with ONNX Runtime inside Triton's Python backend."""

import os

import onnxruntime
import triton_python_backend_utils as pb


class TritonPythonModel:
    def initialize(self, args):
        folder = os.path.join(args["model_repository"], args["model_version"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        file = os.path.join(folder, "model.onnx")
        self.session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        self.names = [port.name for port in self.session.get_inputs()]
        self.outputs = [port.name for port in self.session.get_outputs()]

    def execute(self, requests):
        responses = []
        for request in requests:
            try:
                given = {name: pb.get_input_tensor_by_name(request, name).as_numpy() for name in self.names}
                found = self.session.run(self.outputs, given)
                tensors = [pb.Tensor(name, value) for name, value in zip(self.outputs, found)]
                responses.append(pb.InferenceResponse(tensors))
            except Exception as error:
                responses.append(pb.InferenceResponse([], error=pb.TritonError(str(error)[:400])))
        return responses
'''


@dataclass(frozen=True)
class Ports:
    """What a model takes and gives."""

    inputs: Sequence[Port]
    outputs: Sequence[Port]

    @property
    def most(self) -> int:
        """Images of one request: 64 where the batch is free, else 0, for its shape is the model's own."""
        free = all(port.shape and port.shape[0] is None for port in (*self.inputs, *self.outputs))
        return 64 if free else 0


def write_repository(
    folder: Path, files: Sequence[Path], ports: Ports, *, native: bool, threads: int = 1, name: str = MODEL
) -> Path:
    """Write a repository with one model and return its folder.

    Args:
        folder: Private, empty or with other models.
        files: The model file first; what ships with it lies beside it under the names that it knows.
        ports: Of the model.
        native: Whether the server runs ONNX itself; else by its Python backend.
        threads: Of one request.
        name: What the server shall call it.

    Raises:
        Inconclusive: A tensor of it is of a type that the protocol does not know.
    """
    version = folder / name / VERSION
    version.mkdir(parents=True, mode=0o700)
    first, *more = files
    shutil.copyfile(first, version / "model.onnx")
    for file in more:
        place = version / file.relative_to(first.parent)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place)
    if not native:
        (version / "model.py").write_text(_CODE.replace("THREADS", str(threads)), encoding="utf-8")
    (folder / name / "config.pbtxt").write_text(_config(name, ports, native=native), encoding="utf-8")
    return folder


def _config(name: str, ports: Ports, *, native: bool) -> str:
    runs = 'platform: "onnxruntime_onnx"' if native else 'backend: "python"'
    lines = [f"name: {json.dumps(name)}", runs, f"max_batch_size: {ports.most}"]
    lines += [_port("input", port, ports.most) for port in ports.inputs]
    lines += [_port("output", port, ports.most) for port in ports.outputs]
    return "\n".join([*lines, "instance_group [{ count: 1 kind: KIND_CPU }]"]) + "\n"


def _port(what: str, port: Port, most: int) -> str:
    code = CODES.get(port.dtype)
    if code is None:
        raise Inconclusive(f"{what} {port.name!r} is {port.dtype}, which servers of this protocol do not know")
    lengths = port.shape[1:] if most else port.shape
    dims = ", ".join(str(-1 if length is None else length) for length in lengths)
    return f"{what} [{{ name: {json.dumps(port.name)} data_type: TYPE_{code} dims: [{dims}] }}]"
