"""The JSON Schemas for editors: true to the forms, fitting what ships, and not fitting mistakes."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from centralino.located import read
from docs import schemas
from tests.core.test_docs import ROOT


@pytest.mark.parametrize("name", schemas.FORMS)
def test_the_schemas_that_ship_are_those_of_the_forms(name: str) -> None:
    assert (schemas.FOLDER / f"{name}.json").read_text() == schemas.schema(name), "run: python -m docs.schemas"


def validator(name: str) -> Draft202012Validator:
    schema = json.loads(schemas.schema(name))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def data(path: Path) -> dict[str, Any]:
    return read(path.name, path.read_bytes()).data


@pytest.mark.parametrize("path", sorted([*ROOT.glob("*.yaml"), *ROOT.glob("dialplans/**/*.yaml")]), ids=str)
def test_what_ships_fits(path: Path) -> None:
    name = {"shared": "shared", "dialplans": "dialplan"}.get(path.parent.name, path.stem)
    assert [error.message for error in validator(name).iter_errors(data(path))] == []


@pytest.mark.parametrize(
    ("old", "new"), [("wait: 5s", "wait: 5"), ("otherwise: operator", "otherwse: operator"), ("tries: 3", "tries: 30")]
)
def test_a_mistake_does_not_fit(old: str, new: str) -> None:
    text = (ROOT / "dialplans" / "055055.yaml").read_text().replace(old, new, 1)
    assert list(validator("dialplan").iter_errors(read("055055.yaml", text.encode()).data))
