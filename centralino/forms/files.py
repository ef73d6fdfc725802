"""Which YAML file has which form.

The forms say which keys there are and what may stand in each, as admins write them. A key that is not honoured is in
none, so that it is an error. Names that must exist are checked in crosschecks.py.
"""

from collections.abc import Mapping

from centralino.forms.agents import RosterForm
from centralino.forms.dialplans import DialplanForm, SharedForm
from centralino.forms.entities import EntitiesForm
from centralino.forms.fields import Form
from centralino.forms.knowledge import SheetForm
from centralino.forms.queues import QueuesForm
from centralino.forms.settings import SettingsForm

FORMS: Mapping[str, type[Form]] = {
    "queues.yaml": QueuesForm,
    "agents.yaml": RosterForm,
    "entities.yaml": EntitiesForm,
    "centralino.yaml": SettingsForm,
}


SHARED = "dialplans/shared/"
KNOWLEDGE = "knowledge/"


def form_of(file: str) -> type[Form]:
    """Which form a file of the deployment has (`dialplans/055055.yaml`: a dialplan; below `knowledge/`: a sheet)."""
    if file.startswith(KNOWLEDGE):
        return SheetForm
    return SharedForm if file.startswith(SHARED) else FORMS.get(file, DialplanForm)
