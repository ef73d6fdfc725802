"""The second level: an agent who talks hands the caller on to an office or another queue, with the case.

One command, whoever gives it. The caller goes there by a step of their own (ivr/hand_over.py), and by another one back
to the agent's queue where nobody answers. What cannot be done is refused while the talk goes on.
"""

from collections.abc import Callable, Mapping

from centralino import events as ev
from centralino.attendant import Desk
from centralino.call_states import CallState
from centralino.clock import as_utc
from centralino.dispatch import Dispatcher
from centralino.handed_to import AT_PHONE, COLLEAGUE, OUTSIDE, named
from centralino.located import did_you_mean, shown
from centralino.people import People, cleaned
from centralino.settings import Configuration
from centralino.signing import Refused
from centralino.state import CallNow
from ivr.menu import Dialplan, Transfer
from ivr.sentences import Sentences
from ivr.steps_of_ours import FIRST_LEVEL, HANDED_ON

QUEUE_WITHIN_S = 900.0  # that another queue has, where it has no longest wait of its own
NOTE_LENGTH_MAX = 500


class SecondLevel:
    """`configuration_of` gives the configuration that a call follows; `lead` leads it to its step."""

    def __init__(self, desk: Desk, dispatcher: Dispatcher, people: People, sentences: Sentences) -> None:
        self._book, self._clock = desk.book, desk.clock
        self._dispatcher, self._people, self._sentences = dispatcher, people, sentences
        self.connected: Mapping[str, bool]
        self.configuration_of: Callable[[CallNow], Configuration]
        self.lead: Callable[[CallNow], None]

    def hand_on(self, call_id: str, to: str, *, by: str, note: str = "") -> None:
        """The agent's talk ends and the caller goes on. Raises Refused, with nothing changed."""
        call = self._book.call(call_id)
        if call is None:
            raise Refused(f"there is no call {shown(call_id)} now; `centralino calls` lists them")
        if call.state is not CallState.TALKING:
            raise Refused(f"{call.id} is {call.state}: only a call that talks with an agent can be handed on")
        if call.consult:
            raise Refused(
                f"{call.agent} asks {named(call.consult.to)} just now: end that first, then hand the caller on"
            )
        if not self.connected[call.node]:
            raise Refused("there is no connection to the phone system: nothing can be done to the talk now")
        self._look_whether_it_can(call, to)
        text = cleaned(" ".join(note.split()), NOTE_LENGTH_MAX)
        key = self._people.keep_answer(text, call.person, self._clock.now_s()) if text else ""
        handed_on = ev.CallHandedOn(
            call=call.id, agent=call.agent, leg=call.leg, queue=call.queue, to=to, by=by, note=key
        )
        self._dispatcher.hand_on(handed_on)
        self.lead(call)

    def way_of(self, call: CallNow, plan: Dialplan) -> Transfer | None:
        """The step that leads a call to whom it was handed on; None: these are no longer in the configuration."""
        return self._way(self.configuration_of(call), plan, call.handed_to)

    # --- within

    def _way(self, configuration: Configuration, plan: Dialplan, to: str) -> Transfer | None:
        if phone := self._phone_of(configuration, to):
            words = {language: (self._sentences.connecting("", language),) for language in plan.languages}
            return Transfer(HANDED_ON, to, phone, FIRST_LEVEL, None, words)
        office, rules = configuration.entities.offices().get(to), configuration.rules.queues.get(to)
        name = office.name if office else ""
        words = {language: (self._sentences.connecting(name, language),) for language in plan.languages}
        if office:
            return Transfer(
                HANDED_ON,
                to,
                office.phone,
                FIRST_LEVEL,
                office.hours,
                words,
                queue=office.queue,
                answer_within_s=office.answer_within_s,
            )
        if rules:
            within_s = rules.longest_wait_s or QUEUE_WITHIN_S
            return Transfer(HANDED_ON, "", "", FIRST_LEVEL, None, words, queue=to, answer_within_s=within_s)
        return None

    def _phone_of(self, configuration: Configuration, to: str) -> str:
        """Where a colleague (`@AGENT`) sits, a phone (`phone:ID`), or the number of somebody outside (`tel:PERSON`);
        empty: it is none of these.
        """
        if to.startswith(OUTSIDE):
            return self._people.who(to.removeprefix(OUTSIDE)).number
        if to.startswith(AT_PHONE):
            phone = to.removeprefix(AT_PHONE)
            return phone if phone in configuration.roster.phones else ""
        agent = configuration.roster.agents.get(to.removeprefix(COLLEAGUE)) if to.startswith(COLLEAGUE) else None
        return (self._book.house.agent(agent.id).phone or agent.phone or "") if agent else ""

    def _look_whether_it_can(self, call: CallNow, to: str) -> None:
        """Raise Refused where nobody there could take the call, or it is no place to go."""
        configuration = self.configuration_of(call)
        plan = configuration.dialplans.get(call.service)
        if plan is None:
            raise Refused(f"{call.service}, which was called, is no longer in the configuration: there is no way back")
        way = self._way(configuration, plan, to)
        if way is None:
            places = [*configuration.entities.offices(), *configuration.rules.queues]
            raise Refused(f"there is no office or queue {shown(to)}; {did_you_mean(to, places)}")
        if way.queue == call.queue:
            raise Refused(f"{call.id} came by queue {call.queue}: its agents are those of {to}")
        now = as_utc(self._clock.now_s())
        if way.hours and not way.hours.is_open(now, plan.time_zone):
            opens = way.hours.changes_at(now, plan.time_zone)
            until = f" until {opens.astimezone(plan.time_zone):%Y-%m-%d %H:%M}" if opens else ""
            raise Refused(f"{to} is closed{until}")
        if not way.phone and (why := self._why_not(call, way.queue)):
            raise Refused(f"{to} cannot take the call: {why}")

    def _why_not(self, call: CallNow, queue: str) -> str:
        """Why nobody of `queue` can be waited for; empty: somebody can."""
        now, full = self._dispatcher.queue_now(queue, call.language), self._dispatcher.floor.rules[queue].full_waiting
        if not now.signed_in:
            return f"nobody is signed in for queue {queue}"
        if full is not None and now.waiting >= full:
            return f"queue {queue} is full, {now.waiting} wait there"
        return ""
