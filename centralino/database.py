"""The database: where it is, how it is opened, and which shape it has. Tables stand in each context's `store.py`."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
from sqlalchemy import Connection, DateTime, Dialect, Insert, MetaData, Table, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.types import TypeDecorator

LOCK_WAIT_S = 5.0
CONNECT_DEADLINE_S = 5.0
STATEMENT_DEADLINE_S = 10.0
TRANSACTION_DEADLINE_S = 30.0
UPGRADE_DEADLINE_S = 120.0

# What says that the database is away, locked, or not yet in shape: worth another try later.
# why asyncpg's own: while it connects, SQLAlchemy does not wrap them.
_AWAY = (DBAPIError, NoConnectionFree, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
_REFUSED = (DataError, IntegrityError)  # these are about what was written, and would be the same again


class DatabaseAway(Exception):
    """The database cannot be reached, does not answer in time, or is not in shape yet. Try again later."""


class DatabaseReplaced(DatabaseAway):
    """The file that we wrote to is no longer the one that others read."""


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant, kept as UTC whatever the database and its settings."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant without a time zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


@dataclass(slots=True)
class Database:
    """An open database. Nothing is connected before the first use. `file`: that of SQLite. `when_written`: what is
    called after each transaction of ours that wrote.
    """

    engine: AsyncEngine
    file: Path | None = None
    when_written: list[Callable[[], None]] = field(default_factory=list)
    _inode: int = 0

    @asynccontextmanager
    async def writing(self, deadline_s: float = TRANSACTION_DEADLINE_S) -> AsyncIterator[AsyncConnection]:
        """One transaction: all of it, or nothing. Raises DatabaseAway, also after `deadline_s`."""
        try:
            await self._look_whether_it_is_there()
            async with asyncio.timeout(deadline_s), self.engine.execution_options(writes=True).begin() as connection:
                yield connection
        except _REFUSED:
            raise
        except _AWAY as away:
            raise DatabaseAway(_first_line(away)) from away
        for call in self.when_written:
            call()

    @asynccontextmanager
    async def reading(self, deadline_s: float = TRANSACTION_DEADLINE_S) -> AsyncIterator[AsyncConnection]:
        """A connection to read from. Raises DatabaseAway, also after `deadline_s`."""
        try:
            async with asyncio.timeout(deadline_s), self.engine.connect() as connection:
                yield connection
        except _AWAY as away:
            raise DatabaseAway(_first_line(away)) from away

    async def _look_whether_it_is_there(self) -> None:
        """SQLite would go on writing, unseen by anybody, into a file that was removed. Raises DatabaseReplaced."""
        if self.file is None:
            return
        inode = self.file.stat().st_ino if self.file.exists() else 0
        if self._inode not in (0, inode):
            await self.engine.dispose()
            self.file.touch(mode=0o600)
            self._inode = 0
            raise DatabaseReplaced(f"{self.file.name} was removed or replaced")
        self._inode = inode

    async def sync(self) -> None:
        """Have what was committed survive a power cut too. SQLite does so by itself only now and then; the journal
        gives again what it brought, but what comes from elsewhere is told to be kept only after this. Raises OSError.
        """
        if self.file is not None:
            await asyncio.to_thread(_sync_file, self.file.with_name(f"{self.file.name}-wal"))

    async def upgrade(self) -> None:
        """Bring the tables into the newest shape. Raises DatabaseAway."""
        async with self.writing(UPGRADE_DEADLINE_S) as connection:
            await connection.run_sync(_upgrade)

    async def forget_traces(self) -> None:
        """Leave nothing of what was deleted or overwritten in the file of SQLite, which is made anew. PostgreSQL gives
        the room to other rows by itself. Raises DatabaseAway: the file is held by others, try again.
        """
        if self.file is not None:
            try:
                await asyncio.to_thread(_made_anew, self.file)
            except sqlite3.OperationalError as busy:
                raise DatabaseAway(f"what was erased still leaves traces in {self.file.name}: {busy}") from busy

    async def close(self) -> None:
        await self.engine.dispose()


def database_url(setting: str, state: Path) -> str:
    """The URL that `database:` in the YAML means: `sqlite` (a file in `state`) or a `postgresql://…`."""
    if setting == "sqlite":
        return f"sqlite+aiosqlite:///{state / 'centralino.db'}"
    if setting.startswith("postgresql://"):
        return setting.replace("postgresql://", "postgresql+asyncpg://", 1)
    raise ValueError(f"`{setting.split(':', 1)[0]}` is no database we know; write sqlite or postgresql://…")


def open_database(url: str) -> Database:
    """The database at `url`, as `database_url` gives it."""
    shared: dict[str, Any] = {"json_serializer": _to_json, "json_deserializer": msgspec.json.decode}
    if url.startswith("sqlite"):
        engine = create_async_engine(url, connect_args={"timeout": LOCK_WAIT_S}, **shared)
        event.listen(engine.sync_engine, "connect", _set_up_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_in_sqlite)
        return Database(engine, Path(str(make_url(url).database)))
    deadlines = {"timeout": CONNECT_DEADLINE_S, "command_timeout": STATEMENT_DEADLINE_S}
    return Database(create_async_engine(url, connect_args=deadlines, pool_pre_ping=True, **shared))


async def upgrade(url: str) -> None:
    """Bring the tables of the database at `url` into the newest shape. Only the engine does this."""
    database = open_database(url)
    try:
        await database.upgrade()
    finally:
        await database.close()


@cache  # building one takes longer than running it
def insert_or_update(dialect: str, table: Table, keys: tuple[str, ...], changing: tuple[str, ...]) -> Insert:
    """An insert into `table` that, where a row with the same `keys` stands, sets its columns `changing` instead.

    With nothing `changing` the standing row is kept as it is.
    """
    insert = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    if not changing:
        return insert.on_conflict_do_nothing(index_elements=keys)
    new = {name: insert.excluded[name] for name in changing}
    return insert.on_conflict_do_update(index_elements=keys, set_=new)


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # why: Python's own transactions would leave out what changes a table's shape
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")  # a crash may lose the last ones; the journal gives them again
    cursor.execute(f"PRAGMA busy_timeout={int(LOCK_WAIT_S * 1000)}")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _made_anew(file: Path) -> None:
    with closing(sqlite3.connect(file, timeout=TRANSACTION_DEADLINE_S, isolation_level=None)) as connection:
        connection.execute("VACUUM")
        is_busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if is_busy:  # somebody has been reading for all that time
            raise sqlite3.OperationalError("its log is in use")


def _begin_in_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes")  # else whoever read first might not write any more
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _sync_file(file: Path) -> None:
    """Where it is not there, all that it held stands in the database proper, synced."""
    with suppress(FileNotFoundError), file.open("rb") as opened:
        os.fsync(opened.fileno())


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _to_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _upgrade(connection: Connection) -> None:
    from alembic import command  # here: whoever only reads need not wait for it
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
