"""Hostile files of Keras, HDF5 and TensorFlow, built here. Keras itself is not needed, and nothing here loads them."""

from __future__ import annotations

import base64
import io
import json
import marshal
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vetgate.api import Finding
from vetgate.testing.scanner import Sample

h5py = pytest.importorskip("h5py")

Scan = Callable[[Sample], tuple[Finding, ...]]
Build = Callable[[Path, Path], Any]

HARMFUL: dict[str, tuple[str, Build]] = {}
"""Technique -> the rule that it breaks, and what writes it to a path; payloads would touch the mark."""


def technique(rule: str) -> Callable[[Build], Build]:
    def register(build: Build) -> Build:
        HARMFUL[build.__name__] = (rule, build)
        return build

    return register


def layer(name: str, module: str = "keras.layers", registered: str | None = None, **config: Any) -> dict[str, Any]:
    return {"module": module, "class_name": name, "config": {"name": "x", **config}, "registered_name": registered}


def network(*layers: dict[str, Any]) -> dict[str, Any]:
    first = layer("InputLayer", batch_shape=[None, 8, 8, 3], dtype="float32")
    return layer("Sequential", "keras", layers=[first, *layers])


def weights(fill: Callable[[Any], None] | None = None, **options: Any) -> bytes:
    made = io.BytesIO()
    with h5py.File(made, "w", **options) as file:
        file.create_group("layers/dense/vars").create_dataset("0", data=np.eye(4, dtype=np.float32))
        if fill is not None:
            fill(file)
    return made.getvalue()


def archive(path: Path, config: dict[str, Any] | str, extra: dict[str, bytes] | None = None, held: bytes = b"") -> None:
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("metadata.json", json.dumps({"keras_version": "3.11.0", "date_saved": "2026-01-01@00:00:00"}))
        out.writestr("config.json", config if isinstance(config, str) else json.dumps(config))
        out.writestr("model.weights.h5", held or weights())
        for name, content in (extra or {}).items():
            out.writestr(name, content)


def legacy(path: Path, config: dict[str, Any], **options: Any) -> None:
    def fill(file: Any) -> None:
        file.attrs["keras_version"], file.attrs["backend"] = "2.15.0", "tensorflow"
        file.attrs["model_config"] = json.dumps(config)

    path.write_bytes(weights(fill, **options))


def lambda_of(mark: Path) -> dict[str, Any]:
    code = compile(f"open({str(mark)!r}, 'w')", "x", "eval")
    held = base64.b64encode(marshal.dumps(code)).decode()
    value = {"class_name": "__lambda__", "config": {"code": held, "defaults": None, "closure": None}}
    return layer("Lambda", function=value)


@technique("VG0701")
def cve_2024_3660_lambda_layer_in_an_archive(path: Path, mark: Path) -> None:
    archive(path, network(lambda_of(mark)))


@technique("VG0701")
def cve_2025_9905_lambda_layer_in_hdf5(path: Path, mark: Path) -> None:
    legacy(path, network(lambda_of(mark)))


@technique("VG0701")
def lambda_layer_in_hdf5_of_the_newest_layout(path: Path, mark: Path) -> None:
    legacy(path, network(*(layer("Dense", units=k) for k in range(200)), lambda_of(mark)), libver="latest")


@technique("VG0701")
def lambda_layer_of_the_old_kind(path: Path, mark: Path) -> None:
    code = base64.b64encode(b"marshalled").decode()
    legacy(path, network(layer("Dense", function_type="lambda", function=[code, None, None])))


@technique("VG0702")
def cve_2025_1550_class_is_a_function_of_os(path: Path, mark: Path) -> None:
    call = {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}
    archive(path, network(layer("Activation", activation=call, inbound_nodes=[{"args": [f"touch {mark}"]}])))


@technique("VG0702")
def class_is_an_evaluation(path: Path, mark: Path) -> None:
    archive(path, network({"module": "builtins", "class_name": "eval", "config": f"open({str(mark)!r}, 'w')"}))


@technique("VG0702")
def activation_is_a_builtin(path: Path, mark: Path) -> None:
    call = {"module": "builtins", "class_name": "function", "config": "exec", "registered_name": "function"}
    archive(path, network(layer("Activation", activation=call)))


@technique("VG0702")
def module_only_begins_like_keras(path: Path, mark: Path) -> None:
    archive(path, network(layer("Dense", "keras_evil.layers")))


@technique("VG0703")
def layer_is_a_registered_object(path: Path, mark: Path) -> None:
    archive(path, network(layer("Mine", "keras.layers", "my_package>Mine")))


@technique("VG0704")
def cve_2025_8747_get_file_is_an_activation(path: Path, mark: Path) -> None:
    call = {"module": "keras.utils", "class_name": "function", "config": "get_file", "registered_name": "get_file"}
    archive(path, network(layer("Activation", activation=call, origin="https://example.org/x", fname=str(mark))))


@technique("VG0704")
def cve_2025_9906_safety_is_switched_off(path: Path, mark: Path) -> None:
    call = {"module": "keras.config", "class_name": "function", "config": "enable_unsafe_deserialization"}
    archive(path, network(layer("Activation", activation=call)))


@technique("VG0704")
def layer_loads_a_saved_model(path: Path, mark: Path) -> None:
    archive(path, network(layer("TFSMLayer", filepath=str(mark.parent), call_endpoint="serve")))


@technique("VG0705")
def cve_2026_1669_weights_in_external_storage(path: Path, mark: Path) -> None:
    path.write_bytes(
        weights(lambda file: file.create_dataset("x", (16,), "u1", external=[(str(mark.parent / "canary"), 0, 16)]))
    )


@technique("VG0705")
def weights_in_external_storage_of_an_archive(path: Path, mark: Path) -> None:
    held = weights(lambda file: file.create_dataset("x", (16,), "u1", external=[("/etc/passwd", 0, 16)]))
    archive(path, network(layer("Dense", units=4)), held=held)


@technique("VG0705")
def external_link(path: Path, mark: Path) -> None:
    path.write_bytes(weights(lambda file: file.__setitem__("x", h5py.ExternalLink("../canary", "/"))))


@technique("VG0705")
def external_link_of_the_newest_layout(path: Path, mark: Path) -> None:
    path.write_bytes(weights(lambda file: file.__setitem__("x", h5py.ExternalLink("../canary", "/")), libver="latest"))


@technique("VG0705")
def external_link_among_many(path: Path, mark: Path) -> None:
    def fill(file: Any) -> None:
        group = file.create_group("many", track_order=True)
        for index in range(100):
            group[f"link{index}"] = h5py.SoftLink("/layers")
        group["x"] = h5py.ExternalLink("../canary", "/")

    path.write_bytes(weights(fill, libver="latest"))


@technique("VG0705")
def virtual_data_set_of_another_file(path: Path, mark: Path) -> None:
    path.write_bytes(weights(virtual, libver="latest"))


def virtual(file: Any) -> None:
    layout = h5py.VirtualLayout((4, 4), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4, 4), "f4")
    file.create_virtual_dataset("x", layout)


@technique("VG0708")
def virtual_data_set_behind_a_block_of_the_user(path: Path, mark: Path) -> None:
    held = weights(virtual, libver="latest", userblock_size=512)
    archive(path, network(layer("Dense", units=4)), held=held)


@technique("VG0708")
def external_storage_behind_a_block_of_the_user(path: Path, mark: Path) -> None:
    storage = [("/etc/passwd", 0, 16)]
    path.write_bytes(weights(lambda file: file.create_dataset("x", (16,), "u1", external=storage), userblock_size=512))


@technique("VG0708")
def virtual_data_set_at_addresses_of_four_bytes(path: Path, mark: Path) -> None:
    made = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    made.set_sizes(4, 4)
    with h5py.File(h5py.h5f.create(bytes(path), h5py.h5f.ACC_TRUNC, fcpl=made)) as file:
        virtual(file)


@technique("VG0705")
def links_in_a_heap_that_is_compressed(path: Path, mark: Path) -> None:
    """What h5py writes where its group has many links, and a filter: h5py itself sets none for groups."""
    heap = b"FRHP\0" + struct.pack("<HH", 7, 22)
    path.write_bytes(weights(lambda file: file.create_dataset("x", data=np.void(heap))))


@technique("VG0705")
def external_link_whose_name_holds_a_zero(path: Path, mark: Path) -> None:
    held = weights(lambda file: file.__setitem__("linkname", h5py.ExternalLink("../canary", "/")))
    path.write_bytes(held.replace(b"linkname", b"link\0ame"))


@technique("VG0706")
def archive_holds_a_pickle(path: Path, mark: Path) -> None:
    archive(path, network(layer("Dense", units=4)), {"optimizer.pkl": b"cos\nsystem\n(S'touch mark'\ntR."})


@technique("VG0706")
def archive_climbs_out(path: Path, mark: Path) -> None:
    archive(path, network(layer("Dense", units=4)), {"assets/../../../x.txt": b"x"})


@technique("VG0707")
def cve_2025_12058_vocabulary_is_a_file(path: Path, mark: Path) -> None:
    archive(path, network(layer("StringLookup", vocabulary="/etc/passwd")))


@technique("VG0708")
def configuration_is_nested_like_a_bomb(path: Path, mark: Path) -> None:
    archive(path, "[" * 100_000 + "]" * 100_000)


@technique("VG0708")
def configuration_is_a_zip_bomb(path: Path, mark: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("config.json", " " * (3 << 20))
        out.writestr("model.weights.h5", weights())


def message(number: int, content: bytes) -> bytes:
    length, out = len(content), b""
    while length > 0x7F:
        out, length = out + bytes([length & 0x7F | 0x80]), length >> 7
    return bytes([number << 3 | 2]) + out + bytes([length]) + content


def saved_model(*operators: str) -> bytes:
    nodes = b"".join(message(1, message(1, b"n") + message(2, name.encode())) for name in operators)
    return b"\x08\x01" + message(2, message(2, nodes))


@technique("VG0709")
def saved_model_calls_python(path: Path, mark: Path) -> None:
    path.write_bytes(saved_model("Conv2D", "PyFunc"))


@technique("VG0709")
def saved_model_reads_files(path: Path, mark: Path) -> None:
    path.write_bytes(saved_model("Conv2D", "ReadFile"))


@pytest.mark.parametrize("name", HARMFUL)
def test_technique_is_flagged_and_nothing_is_read_or_run(
    name: str, tmp_path: Path, watched: Scan, is_grave: Callable[[Finding], bool]
) -> None:
    rule, build = HARMFUL[name]
    (tmp_path / "canary").write_bytes(b"secret of the machine")
    path = tmp_path / "model" / "model.keras"
    path.parent.mkdir()
    build(path, tmp_path / "mark")
    found = watched(Sample(path))
    assert rule in {finding.rule for finding in found if is_grave(finding)}, found
    assert not (tmp_path / "mark").exists()
    assert not any("secret of the machine" in finding.model_dump_json() for finding in found)


HARMLESS: dict[str, Callable[[Path], object]] = {
    "archive": lambda path: archive(
        path,
        network(
            layer("Conv2D", filters=4, kernel_initializer=layer("GlorotUniform", "keras.initializers")),
            layer("Dense", units=4, dtype=layer("DTypePolicy", "keras")),
            layer("Activation", activation={"module": "builtins", "class_name": "function", "config": "relu"}),
        ),
    ),
    "hdf5": lambda path: legacy(path, network(layer("Dense", units=4), layer("ReLU", max_value=6.0))),
    "hdf5 of the newest layout": lambda path: legacy(path, network(layer("Dense", units=4)), libver="latest"),
    "hdf5 of random weights": lambda path: (
        path.write_bytes(weights(lambda file: file.create_dataset("x", data=np.random.default_rng(0).random(1 << 19))))
        and None
    ),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_honest_files_of_keras_are_clean(name: str, tmp_path: Path, scan: Scan) -> None:
    path = tmp_path / "model.keras"
    HARMLESS[name](path)
    assert scan(Sample(path)) == ()


def test_an_honest_layer_that_is_not_on_the_list_is_no_grave_finding(
    tmp_path: Path, scan: Scan, is_grave: Callable[[Finding], bool]
) -> None:
    path, lookup = tmp_path / "model.keras", layer("StringLookup", vocabulary=["a", "b"])
    archive(path, network(lookup), {"assets/vocabulary.txt": b"a\nb\n"})
    found = scan(Sample(path))
    assert {finding.rule for finding in found} == {"VG0711"}
    assert not any(map(is_grave, found))
