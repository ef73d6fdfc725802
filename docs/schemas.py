"""Writes docs/schema/: what each YAML file may hold, for editors. `python -m docs.schemas`; a test compares them.

With a line such as `# yaml-language-server: $schema=../docs/schema/dialplan.json` at its top, an editor completes keys
and marks unknown ones. `centralino check` says more.
"""

import json
from pathlib import Path
from typing import Any

from centralino.forms.agents import RosterForm
from centralino.forms.dialplans import DialplanForm, SharedForm
from centralino.forms.entities import EntitiesForm
from centralino.forms.fields import Form
from centralino.forms.queues import QueuesForm
from centralino.forms.settings import SettingsForm

FOLDER = Path(__file__).parent / "schema"
FORMS: dict[str, type[Form]] = {
    "agents": RosterForm,
    "centralino": SettingsForm,
    "dialplan": DialplanForm,
    "entities": EntitiesForm,
    "queues": QueuesForm,
    "shared": SharedForm,
}
NOT_FOR_EDITORS = ("title", "default")  # pydantic's names of classes, and defaults in seconds


def schema(name: str) -> str:
    """The text of docs/schema/NAME.json."""
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **_plain(FORMS[name].model_json_schema())}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _plain(part: Any, *, names: bool = False) -> Any:
    """`names`: the keys of this table are names of ours, not words of JSON Schema."""
    if isinstance(part, list):
        return [_plain(each) for each in part]
    if not isinstance(part, dict):
        return part
    kept = {key: value for key, value in part.items() if names or key not in NOT_FOR_EDITORS}
    return {key: _plain(value, names=key in ("properties", "$defs") and not names) for key, value in kept.items()}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name in FORMS:
        (FOLDER / f"{name}.json").write_text(schema(name))


if __name__ == "__main__":
    main()
