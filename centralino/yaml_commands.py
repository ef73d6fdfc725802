"""The commands for who writes the YAML: check it, try it, put it in force."""

import getpass
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from centralino.asking import ask
from centralino.options import HERE, PROBLEM, VAR, Config, State, Stop, instant


def add_yaml_commands(app: typer.Typer) -> None:
    app.command()(check)
    app.command("try")(walk_as_text)
    app.command("test")(run_scenarios)
    app.command()(reload)
    app.command()(rollback)


def check(
    folder: Annotated[Path | None, typer.Argument(help="The folder with the YAML.")] = None, config: Config = HERE
) -> None:
    """Say everything that is wrong with a configuration; exit 0 when nothing is."""
    from centralino import settings

    configuration, problems = settings.examine(folder or config)
    for problem in problems:
        typer.echo(problem)
    if configuration is None:
        raise Stop(f"{settings.counted(problems)}. Nothing can be loaded.")
    if problems:
        raise Stop(f"{settings.counted(problems)}. It can be loaded all the same.")
    dialplans, queues = len(configuration.dialplans), len(configuration.rules.queues)
    typer.echo(f"No problem: {dialplans} dialplans, {queues} queues, {len(configuration.roster.agents)} agents.")


def walk_as_text(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="The number that is called.")],
    at: Annotated[str | None, typer.Option("--at", help="When (2026-11-22T21:00, local); default: now.")] = None,
    caller: Annotated[str, typer.Option("--from", help="The caller's number, +39…; default: withheld.")] = "",
    press: Annotated[str, typer.Option("--press", help="What is keyed in, such as 1,wait,12345#.")] = "",
    language: Annotated[str | None, typer.Option("--language", help="The language that the call speaks.")] = None,
    config: Config = HERE,
) -> None:
    """Walk a call through a dialplan as text, without Asterisk."""
    from centralino import settings, trying
    from centralino.speaking import system_sentences
    from ivr.rehearsal import SILENCE, Script

    configuration = settings.load(config)
    plan = trying.plan_of(configuration, number)
    presses = tuple(part.strip() for part in press.split(",") if part.strip())
    if wrong := next((part for part in presses if part != SILENCE and set(part) - set("0123456789*#")), None):
        raise Stop(f"`{wrong}` cannot be pressed; write keys such as 1,12345# or `{SILENCE}` for silence")
    if language and language not in plan.languages:
        raise Stop(f"{plan.number} does not speak `{language}`; it speaks {', '.join(plan.languages)}")
    when = instant(at, plan.time_zone) if at else datetime.now(plan.time_zone)
    script = Script(when, presses, caller, language)
    for line in trying.walk(plan, system_sentences(), script):
        typer.echo(line)


def run_scenarios(
    folder: Annotated[Path | None, typer.Argument(help="The folder with the YAML.")] = None, config: Config = HERE
) -> None:
    """Walk the calls that `tests:` in the dialplans describe; exit 1 when one ends otherwise."""
    from centralino import settings, trying
    from centralino.speaking import system_sentences

    configuration = settings.load(folder or config)
    tested = trying.run_scenarios(configuration, system_sentences())
    for problem in (*tested.failures, *tested.untried):
        typer.echo(problem)
    typer.echo(trying.counted(tested, configuration.dialplans.values()))
    if tested.failures:
        sys.exit(PROBLEM)


def reload(config: Config = HERE, state: State = VAR) -> None:
    """Put the YAML in force as it stands now: all of it or nothing. Calls in progress end as they began."""
    from centralino import settings
    from centralino.running import load

    settings.load(config)  # problems are told without an engine too
    _say_loaded(ask(state, lambda client: load(client, config, _user())))


def rollback(
    number: Annotated[int | None, typer.Argument(help="A configuration's number; default: the one before.")] = None,
    state: State = VAR,
) -> None:
    """Go back to an earlier configuration; the last ten are kept."""
    from centralino.running import RELOADED_WITHIN_S

    args = {"number": number, "by": _user()}
    _say_loaded(ask(state, lambda client: client.slow_command("configuration.back", RELOADED_WITHIN_S, args)))


def _say_loaded(loaded: dict[str, Any]) -> None:
    if loaded["release"] is None:
        typer.echo("Nothing changed.")
        return
    typer.echo(loaded["difference"], nl=False)
    typer.echo(f"Configuration {loaded['release']} is in force; calls in progress end in the one they began in.")


def _user() -> str:
    return f"{getpass.getuser()} (cli)"
