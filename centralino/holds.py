"""Further sites that are taken out of their rules: by a supervisor, or while an emergency has opened a number.

A supervisor's wish is on record and goes before an emergency; what an emergency opens follows from the emergencies that
are in force, so that one that ends leaves alone what another, or a supervisor, wants.
"""

from acd.goto import ToQueue
from acd.sites import Held
from centralino import events as ev
from centralino.book import Book
from centralino.dispatch import Dispatcher
from centralino.settings import Configuration
from centralino.state import SiteState
from ivr.menu import Queue, Transfer


class Holds:
    """`apply` tells the floor what is so, after each thing that may change it."""

    def __init__(self, book: Book, dispatcher: Dispatcher) -> None:
        self._book, self._dispatcher = book, dispatcher
        self.configuration: Configuration

    def hold(self, queue: str, site: str, held: Held, by: str) -> None:
        """A supervisor opens or closes a further site of a queue, or leaves it to its rule."""
        self._book.write(ev.SiteHeld(queue=queue, site=site, held=held, by=by))
        self.apply()

    def apply(self) -> None:
        floor, in_emergency = self._dispatcher.floor, self._queues_in_emergency()
        for queue in list(floor.rules):
            for site in floor.further_sites_of(queue):
                held = self._held(queue, site, in_emergency)
                if floor.sites_of(queue)[site].held is not held:
                    self._dispatcher.hold_site(queue, site, held)

    def _held(self, queue: str, site: str, in_emergency: set[str]) -> Held:
        wish = Held(self._book.house.sites.get(f"{queue}/{site}", SiteState()).held)
        return Held.EMERGENCY if wish is Held.BY_RULE and queue in in_emergency else wish

    def _queues_in_emergency(self) -> set[str]:
        """The queues to which calls may come, straight or sent on, whose number an emergency has opened."""
        plans, rules = self.configuration.dialplans, self.configuration.rules.queues
        opened = [
            plans[number] for number, now in self._book.house.emergencies.items() if now.opens and number in plans
        ]
        steps = [step for plan in opened for step in plan.steps.values()]
        found = [step.queue for step in steps if isinstance(step, Queue | Transfer) and step.queue]
        for queue in found:  # grows meanwhile
            onward = (rules[queue].full_then, rules[queue].longest_wait_then)
            found += [then.queue for then in onward if isinstance(then, ToQueue) and then.queue not in found]
        return set(found)
