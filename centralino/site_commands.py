"""The commands for who looks after several halls: which further sites are open for which queue, and opening them."""

import os
from typing import Annotated, Any

import typer

from centralino import shown
from centralino.asking import ask
from centralino.door import DoorClient
from centralino.options import VAR, AsJson, State, by_whom

sites_app = typer.Typer(help="Further sites: which are open for which queue; and open or close one by hand.")

Queue = Annotated[str, typer.Argument(metavar="QUEUE", help="A queue of queues.yaml.")]
Site = Annotated[str, typer.Argument(metavar="SITE", help="One of its further sites.")]


@sites_app.callback(invoke_without_command=True)
def sites(ctx: typer.Context, state: State = VAR, as_json: AsJson = False) -> None:
    """Further sites: which are open for which queue; and open or close one by hand."""
    os.environ["CENTRALINO_STATE"] = str(state)  # what is said before the command holds for it too
    if ctx.invoked_subcommand is None:
        rows = [{"queue": queue["name"], **site} for queue in ask(state, _queues).values() for site in queue["sites"]]
        shown.sites(rows, as_json=as_json)


async def _queues(client: DoorClient) -> dict[str, Any]:
    found: dict[str, Any] = client.snapshot["queues"]
    return found


@sites_app.command("open")
def open_site(queue: Queue, site: Site, state: State = VAR, as_json: AsJson = False) -> None:
    """Offer the queue's calls to a further site from now on, whatever its rule says."""
    _hold(state, "sites.open", queue, site, as_json)


@sites_app.command("close")
def close_site(queue: Queue, site: Site, state: State = VAR, as_json: AsJson = False) -> None:
    """Offer a further site no calls of the queue, whatever its rule says. Talks go on."""
    _hold(state, "sites.close", queue, site, as_json)


@sites_app.command("by-rule")
def leave_to_its_rule(queue: Queue, site: Site, state: State = VAR, as_json: AsJson = False) -> None:
    """Leave a further site to the rule in queues.yaml again."""
    _hold(state, "sites.by_rule", queue, site, as_json)


def _hold(state: State, command: str, queue: str, site: str, as_json: bool) -> None:
    row = ask(state, lambda client: client.command(command, queue=queue, site=site, by=by_whom()))
    shown.sites([row], as_json=as_json)
