"""Tables of figures, and where in them each ruling finds the figure that it judged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from vetgate.reporting import BATCH, Decision, Report, Ruling, Versus
from vetgate.wording import sections
from vetgate.wording.figures import Cell, Figure, titles
from vetgate.wording.sections import Section
from vetgate.wording.slices import SliceTable, slice_tables


@dataclass(frozen=True)
class Judged:
    """A ruling that rests on a row."""

    id: str
    rule: str
    decision: Decision


@dataclass(frozen=True)
class FigureRow:
    """One metric, or one slice of it."""

    id: str
    label: str
    cells: tuple[Cell | None, ...]
    """One a column of the table."""
    reading: str
    basis: str
    judged: tuple[Judged, ...] = ()


@dataclass(frozen=True)
class FigureTable:
    """Figures of both models side by side."""

    id: str
    title: str
    of: str
    """Title of the column of names."""
    columns: tuple[str, ...]
    rows: tuple[FigureRow, ...]
    notes: tuple[str, ...] = ()
    told: str = ""
    """A sentence of ours."""
    scores: bool = False
    """Whether what the OpScore is made of belongs below."""

    @property
    def read(self) -> bool:
        """Whether any row says which model's figure is the better one."""
        return any(row.reading for row in self.rows)

    @property
    def based(self) -> bool:
        """Whether any row says what it rests on."""
        return any(row.basis not in ("", "exact") for row in self.rows)

    @property
    def judged(self) -> bool:
        """Whether any ruling rests on a row."""
        return any(row.judged for row in self.rows)


@dataclass
class Places:
    """Where the figures of a report stand on its page.

    Args:
        prefix: Of the ids of this candidate.
        report: Of one candidate.
    """

    prefix: str
    report: Report
    of_ruling: dict[int, str] = field(default_factory=dict)
    """Id of the place of a ruling's evidence, by the ruling's number in the report."""
    _on: dict[str, list[Judged]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._sections = sections.sections(self.report)
        self._slices = slice_tables(self.report)
        for number, ruling in enumerate(self.report.verdict.rulings):
            place = self._place(ruling)
            if place:
                self.of_ruling[number] = place
                self._on.setdefault(place, []).append(Judged(self.rule(number), ruling.rule, ruling.decision))

    @classmethod
    def nowhere(cls, prefix: str, report: Report) -> Places:
        """Return places of a page that shows no evidence."""
        return cls(prefix, report.model_copy(update={"evidence": ()}))

    def rule(self, number: int) -> str:
        """Return the id of a ruling."""
        return f"{self.prefix}-rule-{number}"

    def figures(self) -> tuple[FigureTable, ...]:
        """Return the figures over all images, table by table."""
        return tuple(self._section(number, section) for number, section in enumerate(self._sections))

    def slices(self) -> tuple[FigureTable, ...]:
        """Return the figures of parts of the images, table by table."""
        return tuple(self._slice(number, table) for number, table in enumerate(self._slices))

    def _section(self, number: int, section: Section) -> FigureTable:
        lacks = section.of == sections.PAIR and sections.lacks_yardstick(self.report)
        table = f"{self.prefix}-figures-{number}"
        return FigureTable(
            id=table,
            title=section.of[:1].upper() + section.of[1:],
            of="metric",
            columns=tuple(titles(row for _, row in section.rows)),
            rows=self._rows(table, section.rows),
            notes=section.notes,
            told=sections.NO_YARDSTICK if lacks else "",
            scores=section.of == sections.OPSCORE,
        )

    def _slice(self, number: int, table: SliceTable) -> FigureTable:
        own = f"{self.prefix}-slices-{number}"
        return FigureTable(
            id=own,
            title=table.title(str),
            of=table.of,
            columns=tuple(titles(row for _, row in table.rows)),
            rows=self._rows(own, table.rows),
        )

    def _rows(self, table: str, labelled: Sequence[tuple[str, Figure]]) -> tuple[FigureRow, ...]:
        columns = titles(row for _, row in labelled)
        return tuple(
            FigureRow(
                id=f"{table}-{number}",
                label=label,
                cells=tuple(row.cells.get(column) for column in columns),
                reading=row.reading,
                basis=row.basis,
                judged=tuple(self._on.get(f"{table}-{number}", ())),
            )
            for number, (label, row) in enumerate(labelled)
        )

    def _place(self, ruling: Ruling) -> str:
        """Return the id of the row, the table or the list that a ruling rests on; empty where nothing stands there."""
        if ruling.metric is None:
            return f"{self.prefix}-findings" if sections.findings(self.report) else ""
        where = ruling.slice
        if where is not None and where.value is not None and where.by != BATCH:
            found = self._sliced(ruling)
            if found:
                return found
        return self._over_all(ruling) or (f"{self.prefix}-gaps" if sections.not_measured(self.report) else "")

    def _sliced(self, ruling: Ruling) -> str:
        where = ruling.slice
        for number, table in enumerate(self._slices):
            told = (table.metric, table.versus) == (ruling.metric, ruling.versus)
            if told and where is not None and table.by == where.by:
                place = f"{self.prefix}-slices-{number}"
                values = [value for value, _ in table.rows]
                return f"{place}-{values.index(where.value)}" if where.value in values else place
        return ""

    def _over_all(self, ruling: Ruling) -> str:
        where = ruling.slice
        batch = where.name if where is not None and where.by == BATCH else ""
        for number, section in enumerate(self._sections):
            baseline = section.of == sections.BASELINE
            if baseline != (ruling.versus is Versus.BASELINE) or not section.of.endswith(batch):
                continue
            for row, (label, _) in enumerate(section.rows):
                if label in _labels(ruling):
                    return f"{self.prefix}-figures-{number}-{row}"
        return ""


def _labels(ruling: Ruling) -> Iterable[str]:
    """Return the names under which a ruling's figure may stand in a table."""
    metric = ruling.metric or ""
    where = ruling.slice
    return (metric,) if where is None or where.by == BATCH else (f"{metric} by {where.by}",)
