"""What is said to an agent amid a talk, into their ear alone."""

from agents import spoken
from agents.spoken import Spoken
from centralino.attendant import Desk, Voice
from centralino.settings import Configuration
from centralino.state import CallNow


class AgentsEar:
    def __init__(self, desk: Desk, voice: Voice) -> None:
        self._telephony, self._voice = desk.telephony, voice
        self.configuration: Configuration

    def tell(self, call: CallNow, what: Spoken) -> None:
        """Say it to the agent who talks, in their language; nothing follows."""
        listed, leg = self.configuration.roster.agents.get(call.agent), call.leg
        language = spoken.language_of(listed.languages if listed else ())

        def say(sounds: list[str]) -> None:
            self._telephony.say_aside(leg, sounds, language)

        self._voice.give([what.prompt(language)], say)
