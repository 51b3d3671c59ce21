"""Make reference.pte beside this file from examples/fashion/reference.pt; up to 8 images at once, on XNNPACK.

pip install 'vetgate[executorch]' && python -m tests.plugins.formats.make_pte
"""

from __future__ import annotations

from pathlib import Path

import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.exir import to_edge_transform_and_lower

from tests.plugins.formats.networks import module

if __name__ == "__main__":
    batch = torch.export.Dim("n", min=1, max=8)
    program = torch.export.export(module(), (torch.zeros(2, 1, 28, 28),), dynamic_shapes=({0: batch},))
    lowered = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()]).to_executorch()
    (Path(__file__).parent / "reference.pte").write_bytes(lowered.buffer)
