"""What commands find at an installation: its YAML in force, its database, its clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from centralino.asking import Result, ask, run_loop
from centralino.door import DoorClient
from centralino.options import Stop

if TYPE_CHECKING:
    from centralino.database import Database
    from centralino.instance import Instance
    from centralino.settings import Configuration
    from recordings.files import Shelf


def snapshot(state: Path) -> dict[str, Any]:
    """What is so now, as the engine tells it. Raises EngineAway."""

    async def look(client: DoorClient) -> dict[str, Any]:
        return client.snapshot

    return ask(state, look)


def engines_time_s(state: Path) -> float:
    """The engine's clock, which a test may have set; the machine's where no engine runs."""
    from centralino.door import EngineAway

    try:
        return float(snapshot(state)["at_s"])
    except EngineAway:
        return time.time()


def with_database(config: Path, state: Path, work: Callable[[Database], Coroutine[Any, Any, Result]]) -> Result:
    """What `work` gives. Raises Stop where there is no database, or it is away."""
    from centralino.database import DatabaseAway, database_url, open_database

    url = database_url(in_force(config, state).settings.database, state.absolute())
    if url.startswith("sqlite") and not (state / "centralino.db").exists():
        raise Stop(f"there is no database in {state}: has `centralino run` been started with this --state?")

    async def opened() -> Result:
        database = open_database(url)
        try:
            return await work(database)
        except DatabaseAway as away:
            raise Stop(f"the database is away: {away}") from away
        finally:
            await database.close()

    return run_loop(opened())


def in_force(config: Path, state: Path) -> Configuration:
    """The configuration that the engine runs by; where none ever did, that of the folder."""
    from centralino import releases

    return releases.in_force(config, state / "configurations")


def instance_at(config: Path, state: Path, port_offset: int) -> Instance:
    """Its folders, made where they are missing, its ports and its secrets."""
    from centralino.instance import Instance

    instance = Instance(config.absolute(), state.absolute(), port_offset)
    instance.make_folders()
    return instance


def shelf_at(config: Path, state: Path) -> Shelf:
    """Its recordings, and what opens them."""
    from recordings.files import Shelf

    instance = instance_at(config, state, 0)
    return Shelf(instance.recordings, instance.recording_keys)
