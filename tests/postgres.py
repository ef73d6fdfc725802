"""A PostgreSQL of the tests' own, without a port: it is reached by a socket in its folder, and ends with them."""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from sqlalchemy import text

from centralino.database import database_url, open_database

PROGRAMS = Path("/usr/lib/postgresql")
OWNER = "postgres"  # for root, as whom it does not run
QUICK = ("fsync=off", "full_page_writes=off", "listen_addresses=", "max_connections=200")


class Postgres:
    """One server. `folder` holds its data, its log and its socket."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        self._bin = max(PROGRAMS.glob("*/bin"), key=lambda found: int(found.parent.name))

    def make(self) -> None:
        self._run(
            "initdb",
            "--locale=C",
            "--auth=trust",
            f"--username={OWNER}",
            "--encoding=UTF8",
            "--no-sync",
            "-D",
            str(self.data),
        )
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.writelines(f"{name} = '{value}'\n" for name, _, value in (one.partition("=") for one in QUICK))
            settings.write(f"unix_socket_directories = '{self.folder}'\n")

    def start(self) -> None:
        self._run("pg_ctl", "start", "--wait", "-D", str(self.data), "-l", str(self.folder / "log"))

    def stop(self) -> None:
        """At once, as a machine that dies."""
        self._run("pg_ctl", "stop", "--mode=immediate", "--wait", "-D", str(self.data))

    def url(self, database: str = "postgres") -> str:
        """As an admin writes it."""
        return f"postgresql://{OWNER}@/{database}?host={self.folder}"

    @asynccontextmanager
    async def fresh(self) -> AsyncIterator[str]:
        """An empty database of its own: its URL, as an admin writes it."""
        name = f"centralino_test_{uuid.uuid4().hex[:12]}"
        server = open_database(database_url(self.url(), Path()))
        try:
            engine = server.engine.execution_options(isolation_level="AUTOCOMMIT")
            async with engine.connect() as connection:
                await connection.execute(text(f"CREATE DATABASE {name}"))
            yield self.url(name)
            async with engine.connect() as connection:  # another: a test may have stopped the server meanwhile
                await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        finally:
            await server.close()

    def _run(self, program: str, *words: str) -> None:
        user = OWNER if os.getuid() == 0 else None
        done = subprocess.run(
            [self._bin / program, *words],
            user=user,
            group=user,
            extra_groups=[] if user else None,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{program}: {done.stdout}"


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A server until the end of the block. Its path is short: that of a socket may not be long."""
    assert PROGRAMS.exists(), "PostgreSQL is not installed; `make check` installs it"
    folder = Path(tempfile.mkdtemp(prefix="centralino-pg-"))
    if os.getuid() == 0:
        shutil.chown(folder, OWNER, OWNER)
    server = Postgres(folder)
    try:
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)
