"""The real thing, started once for all tests of this folder that do not break it."""

from collections.abc import AsyncIterator, Mapping

import pytest_asyncio

from centralino import voices
from centralino.settings import load
from centralino.speaking import speak
from demo.sounds import PCMA, decoded
from tests.house import DEPLOYMENT, House, open_house

PORT_OFFSET = 500


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house() -> AsyncIterator[House]:
    async with open_house(PORT_OFFSET) as opened:
        yield opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def said(house: House) -> Mapping[str, bytes]:
    """What each text of the deployment sounds like, by the text."""
    configuration = load(DEPLOYMENT)
    spoken = await voices.prepare(configuration, house.config, house.instance.prompts)
    of_agents = await speak(voices.prompts_for_agents(configuration), house.instance.prompts)
    return {
        prompt.text: decoded(sound.path.with_suffix(".alaw").read_bytes(), PCMA)
        for prompt, sound in (spoken.sounds | of_agents.sounds).items()
    }
