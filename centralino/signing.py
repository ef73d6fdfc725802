"""What agents choose: sign in, be ready, pause, sign out. One command, whoever gives it: the CLI, a page, a phone."""

from acd.decisions import PauseAgent
from acd.why import Why
from agents import state as agent_state
from agents.state import Chosen, Wish
from centralino import events as ev
from centralino.alarms import Alarms
from centralino.book import Book
from centralino.clock import Clock
from centralino.dispatch import Dispatcher
from centralino.located import did_you_mean, shown
from centralino.settings import Configuration
from centralino.state import AgentNow

ITSELF = "centralino"  # by whom a pause is that nobody chose
LEFT_THE_YAML = "they, or their phone, are no longer in agents.yaml"
PAUSED_TOO_LONG = "paused longer than anybody may"


class Refused(Exception):
    """The command is not carried out; the text is for the person who gave it."""


class Signing:
    """Carries out agents' choices and tells the floor."""

    def __init__(self, book: Book, dispatcher: Dispatcher, alarms: Alarms, clock: Clock) -> None:
        self._book, self._dispatcher, self._alarms, self._clock = book, dispatcher, alarms, clock
        dispatcher.pause = self.pause_for_a_while
        self.configuration: Configuration

    def choose(self, agent_id: str, wish: Wish, *, by: str, phone: str = "", reason: str = "") -> AgentNow:
        """Carry out what an agent chose. Raises Refused with the reason and what is possible instead."""
        if agent_id not in self.configuration.roster.agents:
            raise self._unknown(agent_id)
        agent = self._book.house.agent(agent_id)
        if agent.chosen is Chosen.READY and wish is Wish.READY:
            if not self._dispatcher.wrap_up_done(agent.id):
                raise Refused(f"{agent.id} is ready already")
            return agent
        try:
            agent_state.after(agent_id, agent.chosen, wish)
        except agent_state.NotNow as refusal:
            raise Refused(str(refusal)) from refusal
        if wish is Wish.READY:
            self._dispatcher.wrap_up_done(agent.id)
        self._book.write(self._event(agent, wish, by, phone, reason))
        if agent.pause_until_s:
            self._alarms.set("pause", agent.id, agent.pause_until_s)
        self._dispatcher.refresh(agent)
        return agent

    def extend_wrap_up(self, agent_id: str, by_s: float, *, by: str) -> None:
        """The agent takes so much longer for what is left to do. Raises Refused."""
        if agent_id not in self._book.house.agents and agent_id not in self.configuration.roster.agents:
            raise self._unknown(agent_id)
        match self._dispatcher.extend_wrap_up(agent_id, by_s, by):
            case Why.WRAP_UP_AT_LONGEST as why:
                raise Refused(f"{agent_id} cannot take longer: {why} (queues.yaml: `longest_wrap_up`)")
            case Why() as why:
                raise Refused(f"{agent_id} cannot take longer: {why}")

    def pause_for_a_while(self, pause: PauseAgent) -> None:
        """An agent did not take several offers in a row. The pause is seen by all and ends by itself."""
        reason = f"{pause.unanswered} offers in a row: {pause.why}"
        self._book.write(ev.AgentPaused(agent=pause.agent, reason=reason, by=ITSELF, until_s=pause.until_s))
        self._alarms.set("pause", pause.agent, pause.until_s)

    def pause_is_over(self, agent_id: str) -> None:
        """The pause that ends by itself ends, unless somebody has ended it, or began another.

        Who did not answer is ready again. Who paused longer than anybody may is signed out: they are not there.
        """
        agent = self._book.house.agent(agent_id)
        if agent.chosen is not Chosen.PAUSED or not agent.pause_until_s:
            return
        if agent.paused_by == ITSELF:
            self._book.write(ev.AgentReady(agent=agent.id, by=ITSELF))
        else:
            self._book.write(ev.AgentSignedOut(agent=agent.id, by=ITSELF, why=PAUSED_TOO_LONG))
        self._dispatcher.refresh(agent)

    def let_go_of_those_who_left(self) -> None:
        """Whoever is no longer in agents.yaml, or whose phone is not, is signed out: else nobody else could sit there,
        or they could sit nowhere else.
        """
        roster = self.configuration.roster
        for agent in self._book.house.agents.values():
            if agent.chosen is not Chosen.SIGNED_OUT and not (
                agent.id in roster.agents and agent.phone in roster.phones
            ):
                self._book.write(ev.AgentSignedOut(agent=agent.id, by=ITSELF, why=LEFT_THE_YAML))

    def go_on(self) -> None:
        """After a restart: pauses end at their time."""
        for agent in self._book.house.agents.values():
            if agent.chosen is Chosen.PAUSED and agent.pause_until_s:
                self._alarms.set("pause", agent.id, agent.pause_until_s)

    def _unknown(self, agent_id: str) -> Refused:
        hint = did_you_mean(agent_id, self.configuration.roster.agents)
        return Refused(f"there is no agent {shown(agent_id)} in agents.yaml; {hint}")

    def _event(self, agent: AgentNow, wish: Wish, by: str, phone: str, reason: str) -> ev.AnyEvent:
        match wish:
            case Wish.SIGN_IN:
                return ev.AgentSignedIn(agent=agent.id, phone=self._phone_for(agent, phone), by=by)
            case Wish.SIGN_OUT:
                return ev.AgentSignedOut(agent=agent.id, by=by)
            case Wish.PAUSE:
                return self._paused(agent.id, by, reason)
            case Wish.READY:
                return ev.AgentReady(agent=agent.id, by=by)

    def _paused(self, agent: str, by: str, reason: str) -> ev.AgentPaused:
        """`reason` may be the digits of one of agents.yaml's."""
        roster = self.configuration.roster
        listed = roster.pauses.get(reason)
        if reason.isdecimal() and listed is None:
            there_are = ", ".join(f"{keys} ({pause.named('it')})" for keys, pause in roster.pauses.items())
            raise Refused(f"there is no pause {shown(reason)} in agents.yaml; there are: {there_are or 'none'}")
        longest_s = (listed.longest_s if listed else None) or roster.longest_pause_s
        until_s = self._clock.now_s() + longest_s if longest_s else 0.0
        return ev.AgentPaused(agent=agent, reason=listed.named("it") if listed else reason, by=by, until_s=until_s)

    def _phone_for(self, agent: AgentNow, asked: str) -> str:
        roster = self.configuration.roster
        phone = asked or roster.agents[agent.id].phone or ""
        if not phone:
            raise Refused(f"{agent.id} has no phone of their own: name one with --phone")
        if phone not in roster.phones:
            raise Refused(f"there is no phone {phone} in agents.yaml")
        if roster.phones[phone].site != roster.agents[agent.id].site:
            at, of = roster.phones[phone].site, roster.agents[agent.id].site
            raise Refused(f"{phone} stands in {at}, and {agent.id} belongs to {of} (agents.yaml)")
        others = (a for a in self._book.house.agents.values() if a.id in roster.agents and a.id != agent.id)
        taken = next((a.id for a in others if a.phone == phone), None)
        if taken:
            raise Refused(f"{phone} is taken: {taken} is signed in there")
        talks = self._dispatcher.who_has_a_call_at(phone)
        if talks and talks != agent.id:
            raise Refused(f"{phone} is taken: {talks}, who signed out there, still has a call on it")
        return phone
