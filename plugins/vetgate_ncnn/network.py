"""A network that ncnn has loaded."""

from __future__ import annotations

import ncnn
import numpy as np
from numpy.typing import NDArray

from vetgate.api import Card, UnreadableArtifact
from vetgate_ncnn.files import Files

_HINT = "vetgate inspect shows what the file holds; convert it again for this version of ncnn"


class Network:
    """ncnn's own network on the CPU.

    Args:
        files: The model, checked before.
        card: The precision that it asks for; float32 where it asks for none, for ncnn by itself takes float16 or int8
            where the processor can.
        threads: For one inference.

    Raises:
        UnreadableArtifact: ncnn refuses it.
    """

    def __init__(self, files: Files, card: Card, threads: int) -> None:
        self._net = ncnn.Net()
        self._layers = files.layers
        wanted = (card.execution.precision if card.execution else None) or "float32"
        self.settings = self._set(wanted, threads)
        for what, problem in (
            ("layers", self._net.load_param(str(files.text))),
            ("weights", self._net.load_model(str(files.weights))),
        ):
            if problem:
                raise UnreadableArtifact(f"ncnn {ncnn.__version__} cannot read its {what}", hint=_HINT)

    def _set(self, precision: str, threads: int) -> str:
        options = self._net.opt
        options.use_vulkan_compute = False
        options.num_threads = threads
        half, brain = precision == "float16", precision == "bfloat16"
        options.use_fp16_packed = options.use_fp16_storage = options.use_fp16_arithmetic = half
        options.use_bf16_storage = options.use_bf16_packed = brain
        return precision

    def run(self, entry: str, image: NDArray[np.float32], wanted: str) -> NDArray[np.float32]:
        """Return one blob for one image, a copy of its own.

        Args:
            entry: Blob that is fed.
            image: (C, H, W).
            wanted: Blob that is asked for.

        Raises:
            UnreadableArtifact: ncnn fails.
        """
        extractor = self._net.create_extractor()
        # ncnn wants the planes of an image at multiples of 16 bytes, which a clone has
        problem = extractor.input(entry, ncnn.Mat(image).clone())
        if not problem:
            problem, found = extractor.extract(wanted)
        if problem:
            raise UnreadableArtifact(f"ncnn failed while running it (it answers {problem})", hint=_HINT)
        return np.array(found, dtype=np.float32)

    def shapes(self, entry: str, image: NDArray[np.float32]) -> dict[str, tuple[int, ...]]:
        """Return the shapes of all blobs that come of an image, as far as ncnn comes."""
        extractor = self._net.create_extractor()
        extractor.set_light_mode(False)
        if extractor.input(entry, ncnn.Mat(image).clone()):
            return {}
        shapes: dict[str, tuple[int, ...]] = {}
        for name in (top for layer in self._layers for top in layer.tops):
            problem, found = extractor.extract(name)
            if problem:
                return shapes
            shapes[name] = tuple(np.asarray(found).shape)
        return shapes
