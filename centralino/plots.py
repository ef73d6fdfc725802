"""The service level by the hour of the day, as a picture (SVG)."""

from collections.abc import Iterable, Sequence

import pygal

from acd.simulation import Result
from centralino import outcomes


def by_hour(results: Sequence[Sequence[Result]], queues: Iterable[str]) -> bytes:
    """One line a queue; where two configurations are compared, the one before is dashed."""
    chart = pygal.Line(
        title="Answered in time, % of all, by the hour of the day",
        x_labels=[f"{hour:02}" for hour in range(24)],
        range=(0, 100),
        js=(),  # a picture loads nothing from elsewhere
        show_legend=True,
        legend_at_bottom=True,
    )
    names = ("before", "after") if len(results) == 2 else ("",)
    for name, each in zip(names, results, strict=True):
        style = {"dasharray": "4, 4"} if name == "before" else {}
        for queue in sorted(queues):
            values = [None if level is None else round(100 * level, 1) for level in outcomes.by_hour(each, queue)]
            chart.add(f"{queue} {name}".strip(), values, stroke_style=style)
    rendered: bytes = chart.render()
    return rendered
