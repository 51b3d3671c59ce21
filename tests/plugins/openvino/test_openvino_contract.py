"""OpenVINO's backend keeps the contract of backends."""

from __future__ import annotations

from pathlib import Path

from tests.plugins.openvino import tiny_ir
from vetgate.api import BackendSpec
from vetgate.testing import BackendContract, Example


class TestOpenvino(BackendContract):
    def spec(self) -> BackendSpec:
        return tiny_ir.spec()

    def example(self, folder: Path) -> Example:
        images = tiny_ir.images(4)
        path = tiny_ir.written(folder, tiny_ir.convolutional())
        return Example(path, tiny_ir.make_card(), images, tiny_ir.answers(images))
