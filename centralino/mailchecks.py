"""What no single value shows of mail: what goes with what."""

from collections.abc import Iterator

from centralino.deployment import ENTITIES, SETTINGS, Deployment, table
from centralino.located import Located, Problem, shown

ON_THIS_MACHINE = ("127.0.0.1:", "localhost:")


def problems_of_mail(settings: Located) -> Iterator[Problem]:
    """All that is wrong with the mail that goes out."""
    mail = table(settings.data, "mail")
    if "relay" in mail and "from" not in mail:
        yield settings.at_key(("mail", "relay"), "nobody is named who writes", 'add `from: "contatti@comune.example"`')
    for one, other in (("user", "secret"), ("secret", "user")):
        if one in mail and other not in mail:
            yield settings.at_key(("mail", one), f"`{one}` needs a `{other}`", f"add `{other}`, or remove it")
    for key in ("tls", "user"):
        if key in mail and "relay" not in mail:
            yield settings.at_key(("mail", key), f"`{key}` is for a relay", 'add `relay: "HOST:PORT"`, or remove it')
    if mail.get("tls") == "none" and "user" in mail and not str(mail.get("relay")).startswith(ON_THIS_MACHINE):
        what = "without TLS others could read the password"
        yield settings.at(("mail", "tls"), what, "remove it: `starttls` is the default")


def problems_of_addresses(deployment: Deployment) -> Iterator[Problem]:
    """All that is wrong with the addresses that take mail in; that number and entity exist is looked at elsewhere."""
    settings = deployment.files[SETTINGS]
    entities = table(deployment.files[ENTITIES].data, "entities")
    seen: set[str] = set()
    for address, of in table(settings.data, "mail", "addresses").items():
        if str(address).lower() in seen:
            yield settings.at_key(("mail", "addresses", address), f"{shown(address)} is there twice", "remove one")
        seen.add(str(address).lower())
        entity, number = (str(of.get("entity")), of.get("number")) if isinstance(of, dict) else ("", None)
        numbers = table(entities, entity).get("numbers")
        if isinstance(numbers, list) and number not in numbers:
            what = f"{shown(number)} is no number of {entity}"
            yield settings.at(("mail", "addresses", address, "number"), what, f"it has {', '.join(map(str, numbers))}")
