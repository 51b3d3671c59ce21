"""Training computes in bfloat16 where the machine multiplies it, and nowhere else."""

from __future__ import annotations

import torch
from torch import nn
from vetgate_delta.precision import mixed, multiplies_bfloat16

CPU = torch.device("cpu")


def test_a_layer_computes_in_bfloat16_exactly_where_the_machine_multiplies_it() -> None:
    layer, images = nn.Conv2d(3, 4, 3), torch.zeros(1, 3, 8, 8)
    with mixed(CPU):
        found = layer(images).dtype
    assert found is (torch.bfloat16 if multiplies_bfloat16(CPU) else torch.float32)
    assert layer.weight.dtype is torch.float32


def test_no_other_device_than_cpu_and_cuda_is_taken_to_be_faster_in_it() -> None:
    assert not multiplies_bfloat16(torch.device("mps"))
