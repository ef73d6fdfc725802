"""The service level by the hour of the day, as a picture (SVG)."""

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree

import pygal

from acd.simulation import Result
from centralino import outcomes


def by_hour(results: Sequence[Sequence[Result]], queues: Iterable[str]) -> bytes:
    """One line a queue; where two configurations are compared, the one before is dashed."""
    chart = pygal.Line(
        title="Answered in time, % of all, by the hour of the day",
        x_labels=[f"{hour:02}" for hour in range(24)],
        range=(0, 100),
        show_legend=True,
        legend_at_bottom=True,
    )
    names = ("before", "after") if len(results) == 2 else ("",)
    for name, each in zip(names, results, strict=True):
        style = {"dasharray": "4, 4"} if name == "before" else {}
        for queue in sorted(queues):
            values = [None if level is None else round(100 * level, 1) for level in outcomes.by_hour(each, queue)]
            chart.add(f"{queue} {name}".strip(), values, stroke_style=style)
    return _still(chart.render_tree())


def _still(picture: ElementTree.Element) -> bytes:
    """Without scripts and comments: a picture moves nothing, and loads nothing from elsewhere."""
    for parent in list(picture.iter()):
        for child in list(parent):
            if not isinstance(child.tag, str) or child.tag.endswith("script"):  # comments have no tag
                parent.remove(child)
    still: bytes = ElementTree.tostring(picture, encoding="utf-8", xml_declaration=True)
    return still
