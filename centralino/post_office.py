"""The post office of the desk: a postman for each way out, for as long as the desk runs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from cases.outbox import Way
from centralino.database import Database
from centralino.instance import Instance
from centralino.postman import Postman
from centralino.relay import MailWay
from centralino.settings import Configuration
from centralino.sms_gateway import SmsWay

LAST_ONE_WITHIN_S = 3.0  # a desk that stops waits so long for the message that is on its way


@asynccontextmanager
async def post_office(
    database: Database, state: Path, configuration: Callable[[], Configuration], now: Callable[[], datetime]
) -> AsyncIterator[None]:
    """Messages are sent while this is open. `configuration` gives the one in force."""
    instance = Instance(state, state)
    secret = instance.secret_of_service
    mail = MailWay(lambda: configuration().settings.mail, secret, state / "mail", instance.recording_keys)
    sms = SmsWay(lambda: configuration().settings.sms, secret)
    postmen = [Postman(database, Way.MAIL, mail.send, now), Postman(database, Way.SMS, sms.send, now)]
    rounds = [asyncio.create_task(postman.run(), name="send what waits") for postman in postmen]
    try:
        yield
    finally:
        for postman in postmen:
            postman.stop()
        _, late = await asyncio.wait(rounds, timeout=LAST_ONE_WITHIN_S)
        for one in late:
            one.cancel()
        await asyncio.wait(rounds)
