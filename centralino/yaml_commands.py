"""The commands for who writes the YAML: check it, try it, hear it, put it in force."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from centralino.asking import RELOADED_WITHIN_S, ask, go_back, load
from centralino.clock import as_utc
from centralino.door import DoorClient
from centralino.options import HERE, PROBLEM, VAR, AsJson, Config, State, Stop, by_whom, instant

if TYPE_CHECKING:
    from centralino.voices import Listed
    from ivr.menu import Dialplan

IN_LANGUAGE = re.compile(r"([a-z]{2})=(.*)", re.DOTALL)  # en=TEXT
FILE_NAME = re.compile(r"\S+\.[A-Za-z0-9]{2,4}")  # one word with an ending, such as notice.mp3

emergency_app = typer.Typer(help="A notice before the menu of a number, and the number open around the clock.")


def add_yaml_commands(app: typer.Typer) -> None:
    app.command()(check)
    app.command("try")(walk_as_text)
    app.command("test")(run_scenarios)
    app.command("graph")(draw)
    app.command()(reload)
    app.command()(rollback)
    app.command()(prompts)
    app.add_typer(emergency_app, name="emergency", invoke_without_command=True)


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
    when = instant(at, plan.time_zone) if at else datetime.now(plan.time_zone)
    script = Script(when, presses, _caller(caller), _spoken(plan, language))
    for line in trying.walk(plan, system_sentences(), script):
        typer.echo(line)


def _caller(number: str) -> str:
    """The number as a call would bring it to the menu; empty: withheld. Raises Stop."""
    from centralino.people import is_withheld, normalised

    known = "" if is_withheld(number) else normalised(number.replace(" ", ""))
    if known and not re.fullmatch(r"\+?[0-9]+", known):
        raise Stop(f"`{number}` is no telephone number; write it as +39055123456, or `anonymous`")
    return known


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


def draw(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="The number whose menu is drawn.")],
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="Default: NUMBER.svg. -: standard output.")
    ] = None,
    language: Annotated[str | None, typer.Option("--language", help="The language of the texts.")] = None,
    config: Config = HERE,
) -> None:
    """Draw the menu of a number as a picture (SVG), for people who never read its YAML."""
    from centralino import drawing, settings, trying

    configuration = settings.load(config)
    plan = trying.plan_of(configuration, number)
    picture = drawing.drawn(plan, _spoken(plan, language) or plan.languages[0], configuration.rules)
    if to == Path("-"):
        typer.echo(picture, nl=False)
        return
    file = to or Path(f"{plan.number}.svg")
    drawing.write(file, picture)
    typer.echo(f"{file}: the menu of {plan.number} {plan.name}")


def _spoken(plan: Dialplan, language: str | None) -> str | None:
    """Raises Stop where the number does not speak the language that was asked for."""
    if language and language not in plan.languages:
        raise Stop(f"{plan.number} does not speak `{language}`; it speaks {', '.join(plan.languages)}")
    return language


def reload(config: Config = HERE, state: State = VAR) -> None:
    """Put the YAML in force as it stands now: all of it or nothing. Calls in progress end as they began."""
    from centralino import settings

    settings.load(config)  # problems are told without an engine too
    _say_loaded(ask(state, lambda client: load(client, config, by_whom())))


def rollback(
    number: Annotated[int | None, typer.Argument(help="A configuration's number; default: the one before.")] = None,
    state: State = VAR,
) -> None:
    """Go back to an earlier configuration; the last ten are kept."""
    _say_loaded(ask(state, lambda client: go_back(client, number, by_whom())))


def _say_loaded(loaded: dict[str, Any]) -> None:
    if loaded["release"] is None:
        typer.echo("Nothing changed.")
        return
    typer.echo(loaded["difference"], nl=False)
    for phone, agent in loaded.get("talks_on", {}).items():
        typer.echo(f"Phone {phone} is gone and can register no more; the call of {agent} there goes on.")
    typer.echo(f"Configuration {loaded['release']} is in force; calls in progress end in the one they began in.")


# --- prompts


def prompts(
    machine: Annotated[bool, typer.Option("--machine", help="Only those that nobody has recorded.")] = False,
    play: Annotated[str, typer.Option("--play", metavar="NAME", help="One of them, to the file that --to names.")] = "",
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE", help="A WAV file to write.")] = None,
    config: Config = HERE,
    state: State = VAR,
    as_json: AsJson = False,
) -> None:
    """Everything that callers may hear: who speaks it, and under which name somebody can record it."""
    from centralino import settings, shown, voices
    from centralino.instance import Instance

    instance = Instance(config.absolute(), state.absolute())
    instance.make_folders()
    configuration, console = settings.load(config), Console(stderr=True)
    spoken = asyncio.run(voices.speak_with_a_bar(configuration, instance.config, instance.prompts, console))
    lines = voices.listed(spoken)
    if play or to:
        play_to_file(lines, play, to)
        return
    shown.prompts([line for line in lines if line.is_machine or not machine], as_json=as_json)
    for problem in spoken.problems:
        typer.echo(f"prompt: {problem}", err=True)


def play_to_file(lines: list[Listed], name: str, to: Path | None) -> None:
    found = next((line for line in lines if name in (line.name, f"{line.language}/{line.name}")), None)
    if not name or to is None:
        raise Stop("name a prompt as `centralino prompts` lists it, and the file: --play NAME --to FILE.wav")
    if found is None:
        raise Stop(f"there is no prompt {name}; `centralino prompts` lists them")
    raw = ("-t", "raw", "-r", "16000", "-e", "signed", "-b", "16", "-c", "1")
    made = subprocess.run(  # noqa: S603
        ["sox", *raw, f"{found.sound}.sln16", "-t", "wav", str(to)],  # noqa: S607
        check=False,
        capture_output=True,
        text=True,
    )
    if made.returncode:
        raise Stop(f"{to} could not be written: {made.stderr.strip()}")
    typer.echo(f"{to}: {found.text}")


# --- emergencies

Number = Annotated[str, typer.Argument(metavar="NUMBER", help="A service number.")]


@emergency_app.callback()
def emergencies(ctx: typer.Context, state: State = VAR) -> None:
    """A notice before the menu of a number, and the number open around the clock."""
    os.environ["CENTRALINO_STATE"] = str(state)  # what is said before the command holds for it too
    if ctx.invoked_subcommand is not None:
        return
    now = ask(state, _emergencies)
    for number, one in now.items():
        until = f", until {local_time(one['until_s'], number, state)}" if one["until_s"] else ""
        opened = ", open around the clock" if one["opens"] else ""
        said = one["file"] or " / ".join(one["say"].values())
        typer.echo(f"{number}{opened}{until}, by {one['by']}: {said}")
    if not now:
        typer.echo("There is no emergency.")


def local_time(instant_s: float, number: str, state: Path) -> str:
    """By the clock of the number, by which it was written too."""
    from centralino.releases import in_force

    configuration = in_force(HERE, state / "configurations")
    plan = configuration.service_of(number)
    zone = plan.time_zone if plan else configuration.settings.time_zone
    return f"{as_utc(instant_s).astimezone(zone):%Y-%m-%d %H:%M}"


async def _emergencies(client: DoorClient) -> dict[str, Any]:
    found: dict[str, Any] = client.snapshot["emergencies"]
    return found


@emergency_app.command("on")
def emergency_on(
    number: Number,
    say: Annotated[list[str], typer.Option("--say", help="A text (in one language: en=TEXT), or FILE.wav.")],
    opens: Annotated[bool, typer.Option("--open", help="Lead callers as if the number were open.")] = False,
    until: Annotated[str | None, typer.Option("--until", help="When it ends (2026-11-24T21:00, local).")] = None,
    config: Config = HERE,
    state: State = VAR,
) -> None:
    """Let callers of a number hear a notice first, from now on."""
    from centralino import trying
    from centralino.releases import in_force

    plan = trying.plan_of(in_force(config, state / "configurations"), number)  # whatever is being written meanwhile
    texts, file = notice_of(say, plan.languages)
    args = {
        "number": number,
        "say": texts,
        "file": file,
        "open": opens,
        "until_s": instant(until, plan.time_zone).timestamp() if until else 0,
        "by": by_whom(),
    }
    begun = ask(state, lambda client: client.slow_command("emergency.on", RELOADED_WITHIN_S, args))
    typer.echo(
        f"Callers of {begun['number']} hear the notice from now on. End it with: centralino emergency off {number}"
    )


def notice_of(say: list[str], languages: tuple[str, ...]) -> tuple[dict[str, str], str]:
    """What `--say` gives: the text in each language, or the file of a recording. Raises Stop rather than let callers
    hear the name of a file, or the half of what was meant.
    """
    recordings = [words for words in say if words.lower().endswith(".wav")]
    if recordings and len(say) > 1:
        raise Stop("give one recording, or texts: callers hear one notice")
    if recordings:
        return {}, str(Path(recordings[0]).absolute())
    texts: dict[str, str] = {}
    for words in say:
        if FILE_NAME.fullmatch(words) or _is_file(words):
            raise Stop(f"`{words}` is the name of a file; a recording is a WAV file whose name ends in .wav")
        named = IN_LANGUAGE.fullmatch(words)
        language, text = (named[1], named[2]) if named else (languages[0], words)
        if language not in languages:
            raise Stop(f"the number does not speak `{language}`; it speaks {', '.join(languages)}")
        if language in texts:
            raise Stop(f"there are two texts in `{language}`; write one for each language: --say en=TEXT")
        texts[language] = text
    return texts, ""


def _is_file(words: str) -> bool:
    with suppress(OSError, ValueError):  # too long a name, or none that a file could have
        return Path(words).is_file()
    return False


@emergency_app.command("off")
def emergency_off(number: Number, state: State = VAR) -> None:
    """End the emergency of a number."""
    ended = ask(state, lambda client: client.command("emergency.off", number=number, by=by_whom()))
    typer.echo(f"The emergency on {ended['number']} has ended.")
