"""The commands about one call."""

from typing import Annotated

import typer

from agents.disposition import Kind, Level
from agents.supervisors import How
from centralino import shown
from centralino.asking import ask
from centralino.options import VAR, AsJson, State, Stop, by_whom


def add_call_commands(app: typer.Typer) -> None:
    app.command()(transfer)
    app.command()(disposition)
    app.command()(listen)
    app.command()(call)


def transfer(
    call: Annotated[str, typer.Argument(metavar="CALL", help="A call that talks with an agent, by its id.")],
    to: Annotated[str, typer.Option("--to", metavar="OFFICE|QUEUE", help="ENTITY/OFFICE, or a queue.")],
    note: Annotated[str, typer.Option("--note", help="For whoever takes it; it stands with the call.")] = "",
    state: State = VAR,
    as_json: AsJson = False,
) -> None:
    """Hand a caller on from the agent who talks to the second level, and back where nobody answers there."""
    told = ask(state, lambda client: client.command("calls.transfer", call=call, to=to, note=note, by=by_whom()))
    if as_json:
        return shown.one(told, as_json=True)
    typer.echo(f"{told['call']} is handed on to {told['to']}; the agent's talk is over.")


def disposition(
    call: Annotated[str, typer.Argument(metavar="CALL", help="A call, by its id; it may be over.")],
    kind: Annotated[Kind, typer.Option("--kind", metavar="KIND", help=f"{', '.join(Kind)}.")],
    topic: Annotated[str, typer.Option("--topic", help="One of `topics` in entities.yaml, or any.")] = "",
    solved: Annotated[bool, typer.Option("--solved", help="The first level solved it.")] = False,
    handed_on: Annotated[bool, typer.Option("--handed-on", help="The second level has it.")] = False,
    agent: Annotated[str, typer.Option("--by", metavar="AGENT", help="Whose word it is.")] = "",
    state: State = VAR,
    as_json: AsJson = False,
) -> None:
    """Say what came of a call, in place of what was said before; it stands with the call and its case."""
    if solved and handed_on:
        raise Stop("a call is solved or handed on, not both")
    level = Level.SOLVED if solved else Level.HANDED_ON if handed_on else Level.NOT_SAID
    words = {"call": call, "kind": kind, "topic": topic, "level": level, "agent": agent, "by": by_whom()}
    told = ask(state, lambda client: client.command("calls.dispose", **words))
    if as_json:
        return shown.one(told, as_json=True)
    typer.echo(f"{told['call']}: {shown.disposition(told['kind'], told['topic'], told['level'])}")


def listen(
    call: Annotated[str, typer.Argument(metavar="CALL", help="A call that talks with an agent, by its id.")],
    supervisor: Annotated[str, typer.Option("--as", metavar="SUPERVISOR", help="By the id in agents.yaml.")],
    how: Annotated[How, typer.Option("--how", metavar="HOW", help=f"{', '.join(How)}; 4, 5, 6 change it")] = How.LISTEN,
    phone: Annotated[str, typer.Option("--phone", help="To be rung; without it, the supervisor's own.")] = "",
    state: State = VAR,
    as_json: AsJson = False,
) -> None:
    """Ring a supervisor's phone, and let them listen to a talk, whisper to the agent, barge in, or take over."""
    facts = {"call": call, "as": supervisor, "how": how.value, "phone": phone, "by": by_whom()}
    told = ask(state, lambda client: client.command("calls.listen", **facts))
    if as_json:
        return shown.one(told, as_json=True)
    typer.echo(f"{told['phone']} rings; who answers it is with {told['call']}: {told['how']}.")


def call(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="Outside, or an agent's or a phone's.")],
    agent: Annotated[str, typer.Option("--agent", metavar="ID", help="Who calls; their phone is rung first.")],
    entity: Annotated[str, typer.Option("--for", metavar="ENTITY", help="Whose number those outside see.")] = "",
    state: State = VAR,
    as_json: AsJson = False,
) -> None:
    """Ring an agent's phone, and then whom they are to talk with, by the same rules as what they dial themselves."""
    words = {"agent": agent, "number": number, "entity": entity, "by": by_whom()}
    told = ask(state, lambda client: client.command("agents.call", **words))
    if as_json:
        return shown.one(told, as_json=True)
    typer.echo(f"{told['phone']} rings; when {told['agent']} answers, {told['number']} is called.")
