"""Ruled tables: from the lines drawn on a page to rows of cells, and the words that stand in them."""

from collections.abc import Sequence
from itertools import groupby

from pdfplumber.table import cells_to_tables, edges_to_intersections, intersections_to_cells, merge_edges

from pipeline.readers.glyphs import Edges
from pipeline.readers.pdf_second import Rule

_NEAR = 3.0  # points: lines this near to one another are one, and meet
_SHORTEST = 3.0  # points
_MOST = 600  # lines; finding cells takes the square of their crossings
_MOST_CROSSINGS = 2_500


def rows_of(rules: Sequence[Rule], boxes: Sequence[Edges]) -> tuple[tuple[tuple[int, ...], ...], ...]:
    """Return the rows of all ruled tables, top to bottom, each cell as the positions in ``boxes`` that stand in it.

    A frame with a single cell is no table. A page with more lines than a table has is drawn, and has none.
    """
    edges = [_edge(rule) for rule in rules if rule.end - rule.start >= _SHORTEST]
    if not 4 <= len(edges) <= _MOST:  # noqa: PLR2004 - a cell has four sides
        return ()
    edges = merge_edges(edges, _NEAR, _NEAR, _NEAR, _NEAR)
    upright = sum(edge["orientation"] == "v" for edge in edges)
    if upright * (len(edges) - upright) > _MOST_CROSSINGS:
        return ()
    cells = intersections_to_cells(edges_to_intersections(edges, _NEAR, _NEAR))
    rows: list[tuple[tuple[int, ...], ...]] = []
    for table in sorted(cells_to_tables(cells), key=lambda table: min(cell[1] for cell in table)):
        if len(table) > 1:
            rows += _rows(table, boxes)
    return tuple(rows)


def _edge(rule: Rule) -> dict[str, object]:
    """Return a line in the form that pdfplumber's table finder takes."""
    across = (rule.at, rule.at) if rule.upright else (rule.start, rule.end)
    down = (rule.start, rule.end) if rule.upright else (rule.at, rule.at)
    return {
        "object_type": "line",
        "orientation": "v" if rule.upright else "h",
        "x0": across[0],
        "x1": across[1],
        "top": down[0],
        "bottom": down[1],
        "doctop": down[0],
        "width": across[1] - across[0],
        "height": down[1] - down[0],
    }


def _rows(table: Sequence[Edges], boxes: Sequence[Edges]) -> list[tuple[tuple[int, ...], ...]]:
    by_row = sorted(table, key=lambda cell: (cell[1], cell[0]))
    return [tuple(_within(cell, boxes) for cell in cells) for _, cells in groupby(by_row, key=lambda cell: cell[1])]


def _within(cell: Edges, boxes: Sequence[Edges]) -> tuple[int, ...]:
    left, top, right, bottom = cell
    return tuple(
        place
        for place, box in enumerate(boxes)
        if left <= (box[0] + box[2]) / 2 <= right and top <= (box[1] + box[3]) / 2 <= bottom
    )
