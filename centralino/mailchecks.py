"""What no single value shows of mail: what goes with what."""

from collections.abc import Iterator

from centralino.deployment import table
from centralino.located import Located, Problem

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
