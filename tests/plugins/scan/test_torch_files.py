"""Hostile files of PyTorch beside plain pickles: TorchScript, exported programs, packages."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from vetgate_scan import script
from vetgate_torch.written import Unsafe, check

from vetgate.api import Finding
from vetgate.testing.scanner import Payload, Sample

jit: Any = torch.jit
Scan = Callable[[Sample], tuple[Finding, ...]]


@dataclass(frozen=True)
class Base:
    """Harmless programs to build hostile ones of."""

    script: bytes
    program: bytes


Build = Callable[[Base, Path, Path], Sample]
HARMFUL: dict[str, tuple[str, Build]] = {}


def technique(rule: str) -> Callable[[Build], Build]:
    def register(build: Build) -> Build:
        HARMFUL[build.__name__] = (rule, build)
        return build

    return register


class Plain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(12, 4))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if images.dim() != 4:
            raise RuntimeError('torch takes "ops" of 4 axes, not # these:\t' + str(images.dim()))
        scores: torch.Tensor = self.layers(images)
        return scores


@pytest.fixture(scope="module")
def base() -> Base:
    model = Plain().eval()
    scripted, exported = io.BytesIO(), io.BytesIO()
    batch = torch.export.Dim("batch", min=1, max=64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        jit.save(jit.script(model), scripted)
        program = torch.export.export(model, (torch.zeros(2, 3, 2, 2),), dynamic_shapes=({0: batch},))
        torch.export.save(program, exported)
    return Base(scripted.getvalue(), exported.getvalue())


def rewritten(
    data: bytes,
    path: Path,
    form: str,
    change: Callable[[str, bytes], bytes] = lambda name, content: content,
    extra: dict[str, bytes] | None = None,
) -> Sample:
    """Write an archive anew with PyTorch's own writer, its members changed."""
    reader: Any = torch._C.PyTorchFileReader(io.BytesIO(data))
    writer: Any = torch._C.PyTorchFileWriter(str(path))
    members = {name: change(name, reader.get_record(name)) for name in reader.get_all_records()}
    for name, content in {**members, **(extra or {})}.items():
        if name not in ("version", ".data/serialization_id", "byteorder"):
            writer.write_record(name, content, len(content))
    writer.write_end_of_file()
    return Sample(path, form)


def script_with(base: Base, folder: Path, line: str) -> Sample:
    def change(name: str, content: bytes) -> bytes:
        if not name.endswith(".py") or b"images: Tensor" not in content:
            return content
        return content.replace(b"-> Tensor:\n", f"-> Tensor:\n    {line}\n".encode())

    return rewritten(base.script, folder / "model.pt", "torchscript", change)


@technique("VG0303")
def torchscript_that_saves_a_file(base: Base, folder: Path, mark: Path) -> Sample:
    return script_with(base, folder, f'torch.save(images, "{mark}")')


@technique("VG0303")
def torchscript_that_saves_behind_an_alias(base: Base, folder: Path, mark: Path) -> Sample:
    return script_with(base, folder, f't = torch\n    t . save(images, "{mark}")')


@technique("VG0303")
def torchscript_that_spells_a_name_for_getattr(base: Base, folder: Path, mark: Path) -> Sample:
    return script_with(base, folder, f'getattr(images, "s\\141ve")("{mark}")')


@technique("VG0303")
def torchscript_that_maps_a_file(base: Base, folder: Path, mark: Path) -> Sample:
    return script_with(base, folder, 'y = torch.from_file("/etc/passwd", False, 10)')


@technique("VG0303")
def torchscript_that_reads_outside_of_its_tensors(base: Base, folder: Path, mark: Path) -> Sample:
    return script_with(base, folder, "y = ops.inductor._reinterpret_tensor(images, [100000], [1], 100)")


@technique("VG0303")
def torchscript_that_calls_another_machine(base: Base, folder: Path, mark: Path) -> Sample:
    return script_with(base, folder, 'y = rpc_async("evil", "f")')


@technique("VG0304")
def torchscript_that_hides_code_in_a_long_text(base: Base, folder: Path, mark: Path) -> Sample:
    return script_with(base, folder, f'torch.save(images, """{mark}""")')


@technique("VG0313")
def torchscript_with_an_object_of_another_library(base: Base, folder: Path, mark: Path) -> Sample:
    return script_with(base, folder, "x = __torch__.torch.classes.c10d.Store")


@technique("VG0102")
def a_torchscript_pickle_of_a_foreign_class(base: Base, folder: Path, mark: Path) -> Sample:
    data = b"\x80\x02(c__torch__.torch.classes.c10d\nStore\n)\x81}bt."
    return rewritten(
        base.script, folder / "m.pt", "torchscript", lambda name, old: data if name == "constants.pkl" else old
    )


@technique("VG0101")
def a_torchscript_pickle_that_imports_python(base: Base, folder: Path, mark: Path) -> Sample:
    data = pickle.dumps(Payload(mark), 2)
    return rewritten(base.script, folder / "m.pt", "torchscript", lambda name, old: data if name == "data.pkl" else old)


@technique("VG0304")
def torchscript_of_the_layout_that_nobody_checks(base: Base, folder: Path, mark: Path) -> Sample:
    return rewritten(base.script, folder / "m.pt", "torchscript", extra={"model.json": b"{}"})


@technique("VG0114")
def a_pickle_among_the_extra_files_of_torchscript(base: Base, folder: Path, mark: Path) -> Sample:
    extra = {"extra/labels.txt": b"cposix\nsystem\n(S'touch " + str(mark).encode() + b"'\ntR."}
    return rewritten(base.script, folder / "m.pt", "torchscript", extra=extra)


def saved(value: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def program_with(base: Base, folder: Path, **changes: bytes) -> Sample:
    def change(name: str, content: bytes) -> bytes:
        return changes.get(name, content)

    return rewritten(base.program, folder / "model.pt2", "torch-export", change)


def program_and(base: Base, folder: Path, extra: dict[str, bytes]) -> Sample:
    return rewritten(base.program, folder / "model.pt2", "torch-export", extra=extra)


def graph_with(base: Base, folder: Path, change: Callable[[dict[str, Any]], None]) -> Sample:
    def edit(name: str, content: bytes) -> bytes:
        if name != "models/model.json":
            return content
        document = json.loads(content)
        change(document)
        return json.dumps(document).encode()

    return rewritten(base.program, folder / "model.pt2", "torch-export", edit)


@technique("VG0101")
def torch_export_load_runs_sample_inputs(base: Base, folder: Path, mark: Path) -> Sample:
    return program_with(base, folder, **{"data/sample_inputs/model.pt": saved(((Payload(mark),), {}))})


@technique("VG0101")
def sample_inputs_as_an_older_checkpoint(base: Base, folder: Path, mark: Path) -> Sample:
    buffer = io.BytesIO()
    torch.save(((Payload(mark),), {}), buffer, _use_new_zipfile_serialization=False)
    return program_with(base, folder, **{"data/sample_inputs/model.pt": buffer.getvalue()})


@technique("VG0101")
def sample_inputs_as_a_pickle_of_protocol_0(base: Base, folder: Path, mark: Path) -> Sample:
    data = b"cposix\nsystem\n(S'touch " + str(mark).encode() + b"'\ntR."
    return program_with(base, folder, **{"data/sample_inputs/model.pt": data})


@technique("VG0101")
def torch_export_load_unpickles_a_weight_that_a_config_marks(base: Base, folder: Path, mark: Path) -> Sample:
    def change(name: str, content: bytes) -> bytes:
        if name == "data/weights/weight_0":
            return saved(Payload(mark))
        if name != "data/weights/model_weights_config.json":
            return content
        document = json.loads(content)
        first = next(iter(document["config"].values()))
        first.update(path_name="weight_0", use_pickle=True, tensor_meta=None)
        return json.dumps(document).encode()

    return rewritten(base.program, folder / "model.pt2", "torch-export", change)


@technique("VG0308")
def torch_export_load_unpickles_opaque_objects(base: Base, folder: Path, mark: Path) -> Sample:
    return program_and(base, folder, {"data/constants/opaque_obj_0": pickle.dumps(Payload(mark))})


@technique("VG0308")
def torch_export_load_builds_custom_objects(base: Base, folder: Path, mark: Path) -> Sample:
    return program_and(base, folder, {"data/constants/custom_obj_0": saved(torch.zeros(1))})


@technique("VG0101")
def constants_in_the_older_layout(base: Base, folder: Path, mark: Path) -> Sample:
    return program_and(base, folder, {"data/constants/model.pt": saved({"x": Payload(mark)})})


def first_size(document: dict[str, Any]) -> dict[str, Any]:
    sizes = document["graph_module"]["graph"]["tensor_values"]["images"]["sizes"]
    found: dict[str, Any] = sizes[0]["as_expr"]
    return found


@technique("VG0309")
def a_size_that_sympy_evaluates(base: Base, folder: Path, mark: Path) -> Sample:
    code = f"__import__('pathlib').Path({str(mark)!r}).touch() or Symbol('s0', positive=True, integer=True)"
    return graph_with(base, folder, lambda document: first_size(document).update(expr_str=code))


@technique("VG0309")
def a_guard_that_is_executed(base: Base, folder: Path, mark: Path) -> Sample:
    code = f"__import__('pathlib').Path({str(mark)!r}).touch()"
    return graph_with(base, folder, lambda document: document.update(guards_code=[code]))


@technique("VG0309")
def a_name_that_is_pasted_into_source(base: Base, folder: Path, mark: Path) -> Sample:
    code = f"linear;__import__('pathlib').Path({str(mark)!r}).touch()"

    def rename(document: dict[str, Any]) -> None:
        changed = json.dumps(document["graph_module"]["graph"]).replace('"linear"', json.dumps(code))
        document["graph_module"]["graph"] = json.loads(changed)

    return graph_with(base, folder, rename)


@technique("VG0309")
def a_call_signature_that_imports(base: Base, folder: Path, mark: Path) -> Sample:
    tree = {
        "type": "builtins.dict",
        "context": '[{"__enum__": true, "fqn": "this:x", "name": "y"}]',
        "children_spec": [],
    }

    def sign(document: dict[str, Any]) -> None:
        document["graph_module"]["module_call_graph"][0]["signature"]["out_spec"] = json.dumps([1, tree])

    return graph_with(base, folder, sign)


def calls(target: str) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        document["graph_module"]["graph"]["nodes"][0]["target"] = target

    return change


@technique("VG0310")
def a_program_that_calls_torch_load(base: Base, folder: Path, mark: Path) -> Sample:
    return graph_with(base, folder, calls("torch.load"))


@technique("VG0310")
def a_program_that_calls_the_shell(base: Base, folder: Path, mark: Path) -> Sample:
    return graph_with(base, folder, calls("torch.os.system"))


@technique("VG0310")
def a_program_that_maps_a_file(base: Base, folder: Path, mark: Path) -> Sample:
    return graph_with(base, folder, calls("torch.ops.aten.from_file.default"))


@technique("VG0307")
def a_compiled_library_in_a_program(base: Base, folder: Path, mark: Path) -> Sample:
    return program_and(base, folder, {"data/aotinductor/model/model.so": b"\x7fELF" + bytes(60)})


@technique("VG0307")
def source_that_is_compiled_on_loading(base: Base, folder: Path, mark: Path) -> Sample:
    return program_and(base, folder, {"data/aotinductor/model/wrapper.cpp": b"int main() { return 0; }"})


@technique("VG0311")
def two_programs_in_one_file(base: Base, folder: Path, mark: Path) -> Sample:
    return program_and(base, folder, {"models/other.json": b"{}"})


@technique("VG0311")
def a_list_of_weights_that_leads_outside(base: Base, folder: Path, mark: Path) -> Sample:
    told = {"config": {"w": {"path_name": "../../evil.pt", "use_pickle": True, "is_param": True, "tensor_meta": None}}}
    return program_with(base, folder, **{"data/weights/model_weights_config.json": json.dumps(told).encode()})


@technique("VG0101")
def the_layout_of_pytorch_2_7(base: Base, folder: Path, mark: Path) -> Sample:
    program = zipfile.ZipFile(io.BytesIO(base.program))
    graph = next(program.read(name) for name in program.namelist() if name.endswith("models/model.json"))
    with zipfile.ZipFile(folder / "model.pt2", "w") as archive:
        archive.writestr("serialized_exported_program.json", graph)
        archive.writestr("serialized_example_inputs.pt", saved(Payload(mark)))
        archive.writestr("version", "8.8")
    return Sample(folder / "model.pt2", "torch-export")


@technique("VG0306")
def a_package_of_python_code(base: Base, folder: Path, mark: Path) -> Sample:
    from torch.package.package_exporter import PackageExporter

    with PackageExporter(str(folder / "model.pt")) as exporter:
        exporter.save_source_string("evil", f"import pathlib\npathlib.Path({str(mark)!r}).touch()\n")
    return Sample(folder / "model.pt")


@pytest.mark.parametrize("name", HARMFUL)
@pytest.mark.filterwarnings("ignore:.torch\\.jit\\.:DeprecationWarning")
def test_it_is_flagged_and_never_runs(
    name: str, base: Base, tmp_path: Path, scan: Scan, is_grave: Callable[[Finding], bool]
) -> None:
    rule, build = HARMFUL[name]
    mark = tmp_path / "mark"
    (tmp_path / "model").mkdir()
    found = scan(build(base, tmp_path / "model", mark))
    assert rule in {finding.rule for finding in found}, found
    assert any(map(is_grave, found)), found
    assert not mark.exists()


def load_program(path: Path) -> None:
    torch.export.load(path).module()(torch.zeros(2, 3, 2, 2))


def run_script(path: Path) -> None:
    jit.load(path)(torch.zeros(2, 3, 2, 2))


ARMED: dict[Build, Callable[[Path], None]] = {
    torch_export_load_runs_sample_inputs: load_program,
    torch_export_load_unpickles_a_weight_that_a_config_marks: load_program,
    a_size_that_sympy_evaluates: load_program,
    torchscript_that_saves_a_file: run_script,
}


@pytest.mark.parametrize("build", ARMED, ids=lambda build: build.__name__)
@pytest.mark.filterwarnings("ignore:.torch\\.jit\\.:DeprecationWarning")
def test_the_payload_is_no_dud(build: Build, base: Base, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    (tmp_path / "model").mkdir()
    sample = build(base, tmp_path / "model", mark)
    with contextlib.suppress(Exception):
        ARMED[build](sample.path)
    assert mark.exists()


LINES = (
    "torch . save(images, '/x')",
    'torch . save(images, "/x")',
    'write = torch.save\n    write(images, "/x")',
    'getattr(torch, "save")(images, "/x")',
    'images.save("/x")',
    'ops.aten . save(images, "/x")',
    "o = ops.aten\n    o.save(images)",
    'y = ops.debugprims.load_tensor("/x", [1], [1], dtype=6, device=torch.device("cpu"))',
    "x = __torch__.torch.classes.c10d.Store",
    "x = __torch__.torch.classes.quantized.LinearPackedParamsBase",
    'raise_("a text of # signs, \\"ops\\" and save files")',
    "y = ops.quantized.linear(x, w, 1., 0)",
    "y = torch.relu(x)",
    "x \\\n  = 1",
)


@pytest.mark.parametrize("line", LINES)
def test_the_backend_and_the_scan_hold_torchscript_to_the_same_rules(line: str) -> None:
    code = f"def forward(self, images: Tensor) -> Tensor:\n    {line}\n"
    try:
        check({"code/a.py": code.encode()})
    except Unsafe:
        refused = True
    else:
        refused = False
    assert bool(list(script.offences(code))) == refused
