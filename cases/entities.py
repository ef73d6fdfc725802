"""What entities.yaml says: the administrations that share the numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cases.clocks import Promise
from cases.progress import Progress
from ivr.hours import Hours, read_hours

WORKING_DAYS = read_hours({"mon-fri": "00:00-24:00", "holidays": ["IT"]})[0]


@dataclass(frozen=True, slots=True)
class Office:
    """An office of an entity: its second level. The agents of `queue` answer within `answer_within_s`, or its `phone`
    (E.164) is rung, or one after the other; empty: it has none. `hours` None: always there. `dialled`: what an agent
    keys in to hand a caller on there; empty: nothing.
    """

    id: str
    name: str
    phone: str = ""
    hours: Hours | None = None
    queue: str = ""
    answer_within_s: float = 60.0
    dialled: str = ""


@dataclass(frozen=True, slots=True)
class Entity:
    """An administration whose citizens call `numbers` (service numbers). `promises`: by when it answers, the first that
    fits; its days are counted by `working_days`. Who is in touch again within `reopen_within_s` after their case was
    closed has it opened again; 0: has a new one. `tell`: of which progress its citizens are told.
    """

    id: str
    name: str
    numbers: tuple[str, ...]
    offices: Mapping[str, Office] = field(default_factory=dict)
    promises: tuple[Promise, ...] = ()
    reopen_within_s: float = 0.0
    working_days: Hours = WORKING_DAYS
    tell: frozenset[Progress] = frozenset()


@dataclass(frozen=True, slots=True)
class Entities:
    """All entities, by id, in the order of the file. `topics`: those that a call may have; none: any.
    `reopen_within_s`, `tell`: where nobody can say yet of which entity the citizen wants something.
    """

    entities: Mapping[str, Entity]
    topics: tuple[str, ...] = ()
    reopen_within_s: float = 0.0
    tell: frozenset[Progress] = frozenset()

    def offices(self) -> dict[str, Office]:
        """All offices, by `ENTITY/OFFICE`."""
        return {
            f"{entity.id}/{office.id}": office
            for entity in self.entities.values()
            for office in entity.offices.values()
        }

    def served_by(self, number: str) -> tuple[Entity, ...]:
        """Whose citizens call this service number, in the order of the file."""
        return tuple(entity for entity in self.entities.values() if number in entity.numbers)

    def of_case(self, entity: str | None, service: str) -> Entity | None:
        """Whose a case is: of `entity`, or of the only one that `service` serves; None: nobody can say."""
        if entity:
            return self.entities.get(entity)
        served = self.served_by(service)
        return served[0] if len(served) == 1 else None

    def id_of_case(self, entity: str | None, service: str) -> str:
        """The same, as an id; empty: nobody can say."""
        found = self.of_case(entity, service)
        return found.id if found else entity or ""

    def reopening_s(self, entity: str, service: str) -> float:
        """How long after its end a case of `entity` (may be empty) and `service` is opened again."""
        found = self.of_case(entity, service)
        return found.reopen_within_s if found else self.reopen_within_s

    def told(self, entity: str | None, service: str) -> frozenset[Progress]:
        """Of which progress the citizen of a case of `entity` and `service` is told."""
        found = self.of_case(entity, service)
        return found.tell if found else self.tell
