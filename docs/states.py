"""Draws the state tables into docs/calls.md. `python -m docs.states` rewrites it; a test holds it to the tables."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from acd import state as acd_state
from agents import state as agents_state
from centralino import call_states

PAGE = Path(__file__).parent / "calls.md"
BEGIN, END = "<!-- drawn from the tables by docs/states.py -->", "<!-- end of what is drawn -->"


def drawn() -> str:
    """The three tables as Mermaid diagrams."""
    calls = {(state, event.__name__): to for (state, event), to in call_states.NEXT.items()}
    return "\n".join(
        [
            _section("A call", calls),
            _section("What calls cause at an agent", acd_state.NEXT),
            _section("What an agent chooses", agents_state.NEXT),
        ]
    )


def page_with(text: str, diagrams: str) -> str:
    """`text` with what stands between the marks replaced by `diagrams`."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{diagrams}\n{END}{rest.partition(END)[2]}"


def _section(title: str, table: Mapping[tuple[Any, Any], Any]) -> str:
    return "\n".join([f"\n## {title}\n", "```mermaid", "stateDiagram-v2", *_arrows(table), "```"])


def _arrows(table: Mapping[tuple[Any, Any], Any]) -> Iterable[str]:
    together: dict[tuple[str, str], list[str]] = {}
    for (state, cause), to in table.items():
        together.setdefault((_name(state), _name(to)), []).append(str(cause))
    return [f"    {state} --> {to}: {', '.join(causes)}" for (state, to), causes in together.items()]


def _name(state: Any) -> str:
    return str(state).replace(" ", "_").replace("-", "_")


if __name__ == "__main__":
    PAGE.write_text(page_with(PAGE.read_text(), drawn()))
