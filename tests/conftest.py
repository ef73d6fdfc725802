"""Fixtures for all tests."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contact_centre import ContactCentre


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[ContactCentre]:
    """A whole contact centre in memory. No error may be logged, unless the test empties `floor.faults.said`."""
    centre = ContactCentre(tmp_path)
    log = logging.getLogger("centralino")
    log.addHandler(centre.faults)
    yield centre
    log.removeHandler(centre.faults)
    centre.people.close()
    assert centre.faults.said == []
