"""Reads OpenVINO's XML without entities, and holds what it says of the weights against the file that has them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat  # entities and document types are refused before anything of them is read

from vetgate.api import Finding, ScanContext, UnreadableArtifact
from vetgate_scan import ir_rules as rule
from vetgate_scan.beside import weights_of
from vetgate_scan.found import Found, quoted
from vetgate_scan.ir_layer import Layer, Weights, look_at_layer, look_at_lengths

_CHUNK = 1 << 20
_DEEPEST = 200
"""Elements inside each other; a body of a loop takes five or so."""
_MOST_BODIES = 16
_MOST_LAYERS = 300_000
_BODIES = frozenset({"body", "then_body", "else_body"})


class _Stop(Exception):  # it only ends the parser
    """Enough was read."""


@dataclass
class _Graph:
    """The graph whose layers are being read; bodies of loops have numbers of their own."""

    layers: set[str] = field(default_factory=set)
    edges: list[tuple[str, str]] = field(default_factory=list)


class IrScanner:
    """Reads the model file, and looks at the size of its weights."""

    def scan(self, context: ScanContext) -> tuple[Finding, ...]:
        """Return what was found.

        Raises:
            UnreadableArtifact: XML or weights are cut off and nothing worse.
        """
        return scan_files(context.artifact.file, weights_of(context))


def scan_files(file: Path, weights: Path | None) -> tuple[Finding, ...]:
    """Return what was found in one XML file beside its weights, if they are there.

    Raises:
        UnreadableArtifact: XML or weights are cut off and nothing worse.
    """
    size, name = (weights.stat().st_size, weights.name) if weights else (0, file.with_suffix(".bin").name)
    reading = _Reading(Found(file.name), Weights(size))
    problem = reading.read(file)
    found = reading.found
    if problem and not found:
        raise UnreadableArtifact(f"{file.name} is truncated or damaged XML: {problem}", hint=rule.DAMAGED.advice)
    if problem:
        found.add(rule.DAMAGED, f"it cannot be read to the end: {problem}")
    elif reading.weights.short and not found:
        raise UnreadableArtifact(
            f"{name} is truncated: it ends {reading.weights.short:,} bytes too soon for {file.name}",
            hint=rule.DAMAGED.advice,
        )
    elif reading.weights.end < size and not found:
        end = reading.weights.end
        told = f"{size - end:,} bytes of the weights belong to no constant"
        found.add(rule.LEFTOVER, told, f"byte {end:,}", file=name)
    elif reading.weights.short:
        found.add(rule.WEIGHTS, f"constants reach {reading.weights.short:,} bytes beyond the end of {name}")
    return found.all()


class _Reading:
    """One pass over the XML.

    Args:
        found: Where findings go.
        weights: The file of constants.
    """

    def __init__(self, found: Found, weights: Weights) -> None:
        self.found, self.weights = found, weights
        self._path: list[str] = []
        self._graphs: list[_Graph] = []
        self._layers: list[Layer] = []
        self._count = 0
        self._lengths: list[str] = []
        self._text = ""

    def read(self, file: Path) -> str:
        """Read a file; return what is wrong with its XML, empty where nothing is."""
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._doctype
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._characters
        try:
            with file.open("rb") as opened:
                while chunk := opened.read(_CHUNK):
                    parser.Parse(chunk, False)
            parser.Parse(b"", True)
        except _Stop:
            return ""
        except (expat.ExpatError, ValueError) as error:
            return str(error)
        return ""

    def _doctype(self, name: str, *_: object) -> None:
        self.found.add(rule.ENTITY, f"it declares {quoted(name)}")
        raise _Stop

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._path) >= _DEEPEST or len(self._graphs) > _MOST_BODIES:
            self.found.add(rule.NESTED, "bodies or elements are nested too deeply")
            raise _Stop
        if not self._path and name != "net":
            self.found.add(rule.DAMAGED, f"its root is {quoted(name)}")
            raise _Stop
        self._path.append(name)
        if name in _BODIES or name == "net":
            self._graphs.append(_Graph())
        elif name == "layer":
            self._begin_layer(attributes)
        elif name == "data" and self._layers and self._path[-2] == "layer":
            self._layers[-1].data.append(attributes)
        elif name == "edge" and self._graphs and self._path[-2] == "edges":
            self._graphs[-1].edges.append((attributes.get("from-layer", ""), attributes.get("to-layer", "")))
        elif name == "port":
            self._lengths = []
        self._text = ""

    def _begin_layer(self, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > _MOST_LAYERS or not self._graphs:
            self.found.add(rule.NESTED, f"it has more than {_MOST_LAYERS:,} layers")
            raise _Stop
        number = attributes.get("id", "")
        if number in self._graphs[-1].layers:
            self.found.add(rule.EDGE, f"two layers have the number {quoted(number)}")
        self._graphs[-1].layers.add(number)
        self._layers.append(
            Layer(attributes.get("name", ""), attributes.get("type", ""), attributes.get("version", ""))
        )

    def _characters(self, text: str) -> None:
        if self._path and self._path[-1] == "dim":
            self._text = (self._text + text)[:64]

    def _end(self, name: str) -> None:
        self._path.pop()
        if name == "dim":
            self._lengths.append(self._text.strip())
        elif name == "port" and self._layers:
            look_at_lengths(self._lengths, self._layers[-1].name, self.found)
        elif name == "layer":
            look_at_layer(self._layers.pop(), self.weights, self.found)
        elif name in _BODIES or name == "net":
            self._end_graph(self._graphs.pop())

    def _end_graph(self, graph: _Graph) -> None:
        for edge in graph.edges:
            missing = [number for number in edge if number not in graph.layers]
            if missing:
                self.found.add(rule.EDGE, f"an edge leads to layer {quoted(missing[0])}, which is not there")
