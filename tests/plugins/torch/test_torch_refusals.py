"""Payloads are built here; each would create a file if it ran."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from vetgate_torch.backend import TorchBackend
from vetgate_torch.written import Unsafe, check

from vetgate.api import Artifact, Card, OpenOptions, UnreadableArtifact

Identify = Callable[[Path], Artifact]
jit: Any = torch.jit
MakeCard = Callable[..., Card]


class Payload:
    """Touches a file when unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.target,)


@pytest.fixture
def loot(tmp_path: Path) -> Path:
    return tmp_path / "loot"


@pytest.fixture
def program(tmp_path: Path, small: nn.Module) -> Path:
    path = tmp_path / "program.pt2"
    batch = torch.export.Dim("batch", min=1, max=64)
    torch.export.save(torch.export.export(small, (torch.zeros(2, 3, 8, 8),), dynamic_shapes=({0: batch},)), path)
    return path


def rewrite(path: Path, change: Callable[[str, bytes], bytes], extra: dict[str, bytes] | None = None) -> None:
    """Change the members of an archive, and add some, as an attacker with a zip library would."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    root = next(iter(members)).split("/")[0]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, change(name.split("/", 1)[1], content))
        for name, content in (extra or {}).items():
            archive.writestr(f"{root}/{name}", content)


def rewrite_graph(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    def edit(name: str, content: bytes) -> bytes:
        if name != "models/model.json":
            return content
        document = json.loads(content)
        change(document)
        return json.dumps(document).encode()

    rewrite(path, edit)


def refuse(path: Path, artifact: Identify, make_card: MakeCard, match: str) -> None:
    file = artifact(path)
    with pytest.raises(UnreadableArtifact, match=match) as caught:
        TorchBackend().describe(file, make_card(), OpenOptions())
    assert caught.value.hint
    with (
        pytest.raises(UnreadableArtifact, match=match),
        TorchBackend().open(file, make_card(), OpenOptions(architecture="torchvision/resnet18")),
    ):
        pass


@pytest.mark.parametrize("modern", [True, False])
def test_a_pickled_module_is_refused_with_the_class_and_the_way_out(
    tmp_path: Path, small: nn.Module, artifact: Identify, make_card: MakeCard, modern: bool
) -> None:
    path = tmp_path / "model.pt"
    torch.save(small, path, _use_new_zipfile_serialization=modern)
    with pytest.raises(UnreadableArtifact, match=r"torch\.nn\.modules\.container\.Sequential") as caught:
        TorchBackend().describe(artifact(path), make_card(), OpenOptions())
    assert "state_dict" in caught.value.hint
    assert "torch.export" in caught.value.hint


@pytest.mark.parametrize("modern", [True, False])
def test_a_malicious_checkpoint_is_refused_and_runs_nothing(
    tmp_path: Path, loot: Path, artifact: Identify, make_card: MakeCard, modern: bool
) -> None:
    path = tmp_path / "model.pt"
    torch.save({"weight": torch.zeros(2), "x": Payload(loot)}, path, _use_new_zipfile_serialization=modern)
    refuse(path, artifact, make_card, "arbitrary unpickling")
    assert not loot.exists()


def test_malicious_sample_inputs_of_a_program_never_run(
    program: Path, loot: Path, artifact: Identify, make_card: MakeCard
) -> None:
    buffer = io.BytesIO()
    torch.save(((Payload(loot),), {}), buffer)
    rewrite(program, lambda name, content: buffer.getvalue() if name.startswith("data/sample_inputs") else content)
    structure = TorchBackend().describe(artifact(program), make_card(), OpenOptions())
    with TorchBackend().open(artifact(program), make_card(), OpenOptions()):
        pass
    assert structure.tensors
    assert not loot.exists()
    # the payload is no dud: PyTorch's own loader runs it
    with contextlib.suppress(Exception):
        torch.export.load(program)
    assert loot.exists()


@pytest.mark.parametrize("folder", ["weights", "constants"])
def test_a_pickled_weight_that_is_no_tensor_is_refused(
    program: Path, loot: Path, artifact: Identify, make_card: MakeCard, folder: str
) -> None:
    buffer = io.BytesIO()
    torch.save(Payload(loot), buffer)

    def point_at_payload(name: str, content: bytes) -> bytes:
        if name != f"data/{folder}/model_{folder}_config.json":
            return content
        document = json.loads(content)
        document["config"]["0.weight"] = {
            "path_name": "tensor_99", "is_param": True, "use_pickle": True, "tensor_meta": None
        }  # fmt: skip
        return json.dumps(document).encode()

    rewrite(program, point_at_payload, {f"data/{folder}/tensor_99": buffer.getvalue()})
    refuse(program, artifact, make_card, "arbitrary unpickling")
    assert not loot.exists()


@pytest.mark.parametrize("name", ["data/weights/model.pt", "data/constants/model.pt"])
def test_the_older_layout_is_unpickled_as_tensors_only(
    program: Path, loot: Path, artifact: Identify, make_card: MakeCard, name: str
) -> None:
    buffer = io.BytesIO()
    torch.save({"0.weight": Payload(loot)}, buffer)
    rewrite(program, lambda _, content: content, {name: buffer.getvalue()})
    refuse(program, artifact, make_card, "arbitrary unpickling")
    assert not loot.exists()


@pytest.mark.parametrize("name", ["data/constants/opaque_obj_0", "data/constants/custom_obj_0"])
def test_pickled_objects_beside_the_tensors_are_refused(
    program: Path, loot: Path, artifact: Identify, make_card: MakeCard, name: str
) -> None:
    rewrite(program, lambda _, content: content, {name: pickle.dumps(Payload(loot))})
    refuse(program, artifact, make_card, "pickled objects")
    assert not loot.exists()


def test_compiled_libraries_are_refused(program: Path, artifact: Identify, make_card: MakeCard) -> None:
    rewrite(program, lambda _, content: content, {"data/aotinductor/model/model.so": b"\x7fELF"})
    refuse(program, artifact, make_card, "machine code")


def test_a_second_program_is_refused(program: Path, artifact: Identify, make_card: MakeCard) -> None:
    rewrite(program, lambda _, content: content, {"models/other.json": b"{}"})
    refuse(program, artifact, make_card, r"models/other\.json")


def sizes(document: dict[str, Any], text: str) -> None:
    size = document["graph_module"]["graph"]["tensor_values"]["input"]["sizes"][0]
    size["as_expr"]["expr_str"] = text


def test_a_size_is_arithmetic_not_code(program: Path, loot: Path, artifact: Identify, make_card: MakeCard) -> None:
    payload = f"__import__('pathlib').Path({str(loot)!r}).touch() or Symbol('s0', positive=True, integer=True)"
    rewrite_graph(program, lambda document: sizes(document, payload))
    refuse(program, artifact, make_card, "could run code")
    assert not loot.exists()
    with contextlib.suppress(Exception):
        torch.export.load(program)
    assert loot.exists()


@pytest.mark.parametrize(
    "size", ["(lambda: 1)()", "Symbol.__class__", "[1 for x in (1,)]", "evil", "1" + " " * 10_001 + "+ evil()"]
)
def test_sizes_of_other_shapes_are_refused(program: Path, artifact: Identify, make_card: MakeCard, size: str) -> None:
    rewrite_graph(program, lambda document: sizes(document, size))
    refuse(program, artifact, make_card, "size")


@pytest.mark.parametrize(
    "target",
    [
        "torch.os.system",
        "torch.load",
        "torch.ops.load_library",
        "torch.ops.aten.from_file.default",
        "torch.ops.aten.relu.default.__class__",
        "torch.ops.aten.__class__.mro",
        "torch.ops.aten.no_such_thing.default",
        "torch.ops.aten.relu.overloads",
        "torch.ops.aten.relu.default\n",
        "_operator.attrgetter",
        "#triton",
    ],
)
def test_a_call_that_is_no_tensor_operator_is_refused(
    program: Path, artifact: Identify, make_card: MakeCard, target: str
) -> None:
    def call(document: dict[str, Any]) -> None:
        document["graph_module"]["graph"]["nodes"][2]["target"] = target

    rewrite_graph(program, call)
    refuse(program, artifact, make_card, "calls")


def test_a_name_is_pasted_into_source_only_if_it_is_one(
    program: Path, loot: Path, artifact: Identify, make_card: MakeCard
) -> None:
    payload = f"relu;__import__('pathlib').Path({str(loot)!r}).touch()"

    def rename(document: dict[str, Any]) -> None:
        text = json.dumps(document["graph_module"]["graph"]).replace('"relu"', json.dumps(payload))
        document["graph_module"]["graph"] = json.loads(text)

    rewrite_graph(program, rename)
    refuse(program, artifact, make_card, "could run code")
    assert not loot.exists()


def test_a_call_signature_imports_nothing(program: Path, artifact: Identify, make_card: MakeCard) -> None:
    context = {"default_factory_module": "antigravity", "default_factory_name": "fly", "dict_context": []}
    trees = [
        {"type": "collections.defaultdict", "context": json.dumps(context), "children_spec": []},
        {"type": "builtins.dict", "context": '[{"__enum__": true, "fqn": "this:x", "name": "y"}]', "children_spec": []},
    ]
    for tree in trees:

        def sign(document: dict[str, Any], tree: dict[str, Any] = tree) -> None:
            document["graph_module"]["module_call_graph"][0]["signature"]["out_spec"] = json.dumps([1, tree])

        rewrite_graph(program, sign)
        refuse(program, artifact, make_card, "call signature")


def test_guards_of_the_file_are_not_executed(
    program: Path, loot: Path, artifact: Identify, make_card: MakeCard
) -> None:
    payload = f"__import__('pathlib').Path({str(loot)!r}).touch()"
    rewrite_graph(program, lambda document: document.update(guards_code=[payload]))
    with TorchBackend().open(artifact(program), make_card(), OpenOptions()) as model:
        model.predict(torch.zeros(1, 3, 8, 8).numpy())
    assert not loot.exists()


class Writes(nn.Module):
    def __init__(self, target: str) -> None:
        super().__init__()
        self.target = target

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        torch.save(images, self.target)
        return images.flatten(1)


def test_torchscript_that_writes_files_is_refused(
    tmp_path: Path, loot: Path, artifact: Identify, make_card: MakeCard
) -> None:
    path = tmp_path / "model.pt"
    jit.script(Writes(str(loot))).save(path)
    refuse(path, artifact, make_card, "calls save")
    assert not loot.exists()
    jit.load(path)(torch.zeros(1, 3, 8, 8))
    assert loot.exists()


@pytest.mark.parametrize("kind", ["weights", "legacy", "script", "export", "safetensors"])
def test_a_truncated_file_is_unreadable(
    tmp_path: Path, small: nn.Module, artifact: Identify, make_card: MakeCard, kind: str
) -> None:
    path = tmp_path / "model.pt2"
    if kind == "weights":
        torch.save(small.state_dict(), path)
    elif kind == "legacy":
        torch.save(small.state_dict(), path, _use_new_zipfile_serialization=False)
    elif kind == "script":
        jit.script(small).save(path)
    elif kind == "export":
        torch.export.save(torch.export.export(small, (torch.zeros(1, 3, 8, 8),)), path)
    else:
        save_file(small.state_dict(), path)
    path.write_bytes(path.read_bytes()[:-700])
    refuse(path, artifact, make_card, "cannot be read|no readable")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ({"model": {"a": torch.zeros(1)}, "ema": {"a": torch.ones(1)}}, "'model', 'ema'"),
        ({"epoch": 3, "lr": 0.1}, "'epoch', 'lr'"),
        (torch.zeros(3), "Tensor"),
        ([torch.zeros(3)], "list"),
        ({}, "no state_dict"),
    ],
)
def test_a_checkpoint_that_does_not_say_which_weights_it_means_is_refused(
    tmp_path: Path, artifact: Identify, make_card: MakeCard, content: object, match: str
) -> None:
    path = tmp_path / "model.pt"
    torch.save(content, path)
    refuse(path, artifact, make_card, match)


def rewritten(path: Path, target: Path, line: str) -> Path:
    """Return a copy of a program whose forward begins with another line of code."""
    reader: Any = torch._C.PyTorchFileReader(str(path))
    writer: Any = torch._C.PyTorchFileWriter(str(target))
    for name in reader.get_all_records():
        content: bytes = reader.get_record(name)
        if name.startswith("code/") and name.endswith(".py"):
            content = content.replace(b"-> Tensor:\n", f"-> Tensor:\n    {line}\n".encode())
        if name not in ("version", "byteorder", ".data/serialization_id"):
            writer.write_record(name, content, len(content))
    writer.write_end_of_file()
    return target


@pytest.mark.parametrize(
    "line",
    [
        "torch . save(images, '{loot}')",
        'torch . save(images, "{loot}")',
        't = torch\n    t.save(images, "{loot}")',
        'write = torch.save\n    write(images, "{loot}")',
        'getattr(torch, "save")(images, "{loot}")',
        'getattr(images, "s\\141ve")("{loot}")',
        'images.save("{loot}")',
        'ops.aten . save(images, "{loot}")',
        'o = ops.aten\n    o.save(images, "{loot}")',
        'torch.save(images, """{loot}""")',
        "y = ops.inductor._reinterpret_tensor(images, [100000], [1], 100)",
        'y = ops.debugprims.load_tensor("{loot}", [1], [1], dtype=6, device=torch.device("cpu"))',
    ],
)
def test_torchscript_cannot_hide_what_reaches_outside(
    tmp_path: Path, loot: Path, artifact: Identify, make_card: MakeCard, line: str
) -> None:
    jit.script(Harmless()).save(tmp_path / "plain.pt")
    path = rewritten(tmp_path / "plain.pt", tmp_path / "model.pt", line.replace("{loot}", str(loot)))
    refuse(path, artifact, make_card, "not loaded")
    assert not loot.exists()


class Harmless(nn.Module):
    """What its code says is text, and a child whose name is no identifier is looked up by getattr."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(192, 4))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if images.dim() != 4:
            raise RuntimeError('torch takes "ops" of 4 axes, not # these:\t' + str(images.dim()))
        scores: torch.Tensor = self.layers(images)
        return scores


def test_torchscript_may_speak_of_what_it_does_not_call(
    tmp_path: Path, artifact: Identify, make_card: MakeCard
) -> None:
    path = tmp_path / "model.pt"
    jit.script(Harmless()).save(path)
    with TorchBackend().open(artifact(path), make_card(), OpenOptions()) as model:
        assert model.predict(torch.zeros(1, 3, 8, 8).numpy()).shape == (1, 4)


def test_torchscript_that_holds_a_foreign_object_is_refused() -> None:
    with pytest.raises(Unsafe, match=r"torch\.classes\.c10d"):
        check({"data.pkl": b"c__torch__.torch.classes.c10d\nStore\n"})
    with pytest.raises(Unsafe, match=r"torch\.classes\.c10d"):
        check({"code/a.py": b"x = __torch__.torch.classes.c10d.Store"})
    with pytest.raises(Unsafe, match=r"before 1\.4"):
        check({"model.json": b"{}"})
