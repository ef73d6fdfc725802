"""What entities.yaml says: the administrations that share the numbers."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entity:
    """An administration whose citizens call `numbers` (service numbers)."""

    id: str
    name: str
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entities:
    """All entities, by id, in the order of the file."""

    entities: Mapping[str, Entity]

    def served_by(self, number: str) -> tuple[Entity, ...]:
        """Whose citizens call this service number, in the order of the file."""
        return tuple(entity for entity in self.entities.values() if number in entity.numbers)
