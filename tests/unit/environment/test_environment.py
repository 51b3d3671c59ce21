"""Where a run takes place."""

from __future__ import annotations

import os

from vetgate import environment


def test_the_environment_can_be_written_and_lists_packages_in_order() -> None:
    told = environment.describe({"torch": "2", "onnx": "1"})
    assert type(told).model_validate_json(told.model_dump_json()) == told
    assert list(told.packages) == ["onnx", "torch"]
    assert told.processor


def test_cores_and_memory_are_those_that_this_process_may_use() -> None:
    assert 1 <= environment.cores() <= (os.cpu_count() or 1)
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 0 < environment.memory() <= physical
