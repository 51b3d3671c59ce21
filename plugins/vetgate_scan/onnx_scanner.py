"""Reads ONNX files to the last byte, without the onnx package and without a thought of running them."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from vetgate.api import Finding, Probe, ScanContext, UnreadableArtifact
from vetgate_scan import onnx_rules as rule
from vetgate_scan.found import Found, quoted
from vetgate_scan.mapped import mapped
from vetgate_scan.onnx_external import ExternalData
from vetgate_scan.onnx_function import look_at_calls
from vetgate_scan.onnx_graph import Callee, Graphs, Owner
from vetgate_scan.onnx_message import Message, Reader, Span, one
from vetgate_scan.onnx_operator import STANDARD
from vetgate_scan.onnx_schema import SLOTS, Kind
from vetgate_scan.onnx_size import Scope
from vetgate_scan.onnx_tensor import Tensors
from vetgate_scan.wire import CutOffError, Data, Wire, WireError, signed

_NEWEST_IR, _NEWEST_OPSET = 40, 100
_ORT_MARK = b"ORTM"
_SETTINGS = b"ort_config"
_GRAPH, _OPSET = 7, 8
_TOP_FIELDS = 100_000


def recognise(probe: Probe) -> bool:
    """Return whether the file is ONNX or ONNX Runtime's own format: the fields of a model from the first byte on."""
    if probe.head[4:8] == _ORT_MARK:
        return True
    good: set[int] = set()
    slots = SLOTS[Kind.MODEL]
    try:
        with mapped(probe.path) as data:
            for number, wire, start, _ in islice(Wire(data).fields(0, len(data)), _TOP_FIELDS):
                if number in slots and slots[number].wire == wire and (number != 1 or 0 < start < _NEWEST_IR):
                    good.add(number)
    except (WireError, IndexError):
        return 1 in good and len(good) > 1
    except (OSError, ValueError):
        return False
    return _GRAPH in good


class OnnxScanner:
    """Reads the model file and looks at where its external data are."""

    def scan(self, context: ScanContext) -> tuple[Finding, ...]:
        """Return what was found in the files that are ONNX.

        Raises:
            UnreadableArtifact: The file is cut off.
        """
        return tuple(finding for file in context.files[:1] for finding in scan_file(file))


def scan_file(file: Path) -> tuple[Finding, ...]:
    """Return what was found in one file."""
    found = Found(file.name)
    with mapped(file) as data:
        if data[4:8] == _ORT_MARK:
            found.add(rule.ORT, "it is no ONNX but a graph of ONNX Runtime's own format")
            return found.all()
        _require_whole(data, file)
        try:
            _Model(data, file, found).look_at()
        except (WireError, IndexError) as error:
            found.add(rule.DAMAGED, f"it cannot be read to the end: {error}")
    return found.all()


def _require_whole(data: Data, file: Path) -> None:
    """Make sure that the fields of the model end with the file; whatever else is wrong with them is told later.

    Raises:
        UnreadableArtifact: The file ends too soon, so that no reader of protobuf takes it.
    """
    try:
        for _ in Wire(data).fields(0, len(data)):
            pass
    except CutOffError as error:
        raise UnreadableArtifact(f"{file.name} ends too soon: {error}", hint=rule.DAMAGED.advice) from None
    except (WireError, IndexError):
        return


class _Model:
    """One file while it is read."""

    def __init__(self, data: Data, file: Path, found: Found) -> None:
        self._found = found
        self._span: Span = (0, len(data))
        self._reader = Reader(Wire(data), found)
        self._tensors = Tensors(self._reader, ExternalData(file, found))

    def look_at(self) -> None:
        model = self._reader.read(Kind.MODEL, self._span)
        self._look_at_versions(model)
        for number, kind in ((14, Kind.ENTRY), (26, Kind.DEVICE)):
            for span in model.get(number, ()):
                self._reader.walk(kind, span)
        self._look_at_settings(model)
        bodies = self._functions(model)
        graphs = Graphs(self._reader, self._tensors, frozenset(bodies))
        owners = {callee: self._function(graphs, body) for callee, body in bodies.items()}
        total = Owner()
        for span in model.get(_GRAPH, ()):
            graphs.look_at(span, total)
        self._look_at_training(model, graphs, total)
        look_at_calls(owners, total, self._found)
        if _GRAPH not in model:
            self._found.add(rule.DAMAGED, "it holds no graph")

    def _look_at_versions(self, model: Message) -> None:
        version = signed(one(model, 1))
        if not 0 < version <= _NEWEST_IR:
            self._found.add(rule.VERSION, f"it says that it is of IR version {version:,}")
        seen: dict[bytes, int] = {}
        for span in model.get(_OPSET, ()):
            opset = self._reader.read(Kind.OPSET, span)
            domain, number = self._reader.text(opset, 1), signed(one(opset, 2))
            domain = b"" if domain == b"ai.onnx" else domain
            if number <= 0 or number > _NEWEST_OPSET * (1 if domain in STANDARD else 1000):
                self._found.add(rule.VERSION, f"it asks for version {number:,} of operator set {quoted(domain)}")
            if seen.setdefault(domain, number) != number:
                self._found.add(rule.VERSION, f"it asks for versions {seen[domain]} and {number} of {quoted(domain)}")

    def _look_at_settings(self, model: Message) -> None:
        for span in model.get(14, ()):
            key = self._reader.text(self._reader.read(Kind.ENTRY, span), 1)
            if key == _SETTINGS:
                self._found.add(rule.TRAINING, "its metadata set options of ONNX Runtime (ort_config)")

    def _look_at_training(self, model: Message, graphs: Graphs, total: Owner) -> None:
        for span in model.get(20, ()):
            self._found.add(rule.TRAINING, "it carries a graph for training", f"byte {span[0]:,}")
            training = self._reader.read(Kind.TRAINING, span)
            for graph in (*training.get(1, ()), *training.get(2, ())):
                graphs.look_at(graph, total)

    def _functions(self, model: Message) -> dict[Callee, Message]:
        bodies: dict[Callee, Message] = {}
        for span in model.get(25, ()):
            message = self._reader.read(Kind.FUNCTION, span)
            domain, name, overload = (self._reader.text(message, number) for number in (10, 1, 13))
            callee = (b"" if domain == b"ai.onnx" else domain, name, overload)
            if domain in STANDARD or callee in bodies:
                told = "is defined twice" if callee in bodies else "takes the name of a standard operator"
                self._found.add(rule.SHADOW, f"function {quoted(domain + b'::' + name)} {told}")
            bodies[callee] = message
        return bodies

    def _function(self, graphs: Graphs, message: Message) -> Owner:
        owner = Owner()
        for number, kind in ((9, Kind.OPSET), (12, Kind.VALUE), (14, Kind.ENTRY)):
            for span in message.get(number, ()):
                self._reader.walk(kind, span)
        graphs.look_at_nodes(message.get(7, ()), owner, Scope(), 1, 1.0)
        for span in message.get(11, ()):
            graphs.look_at_attribute(span, owner)
        return owner
