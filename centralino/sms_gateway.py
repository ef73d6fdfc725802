"""SMS, on their way out: one POST to the HTTP gateway that the deployment names."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from cases.outbox import Sending
from centralino.instance import MissingSecret
from centralino.mail_settings import Sms
from centralino.people import cleaned
from centralino.postman import Closed, NotNow, Refused

ANSWER_WITHIN_S = 30.0
SAID_MAX = 200
ABOUT_US = (401, 403)  # our token
LATER = (408, 425, 429)


@dataclass(frozen=True, slots=True)
class SmsWay:
    """`sms` gives what is configured now, `token` the secret of that name (raises MissingSecret)."""

    sms: Callable[[], Sms]
    token: Callable[[str], str]

    async def send(self, sending: Sending) -> None:
        """Raises Refused, NotNow, Closed."""
        sms = self.sms()
        if not sms.url:
            raise Closed("centralino.yaml names no gateway for SMS")
        id = f"{sending.id}.{sending.at:%Y%m%d%H%M%S}"  # the same for each try
        try:
            headers = {"Idempotency-Key": id}
            if sms.secret:
                headers["Authorization"] = f"Bearer {await asyncio.to_thread(self.token, sms.secret)}"
            said = {"id": id, "to": sending.to, "text": sending.words}
            async with httpx.AsyncClient(timeout=ANSWER_WITHIN_S) as client:
                answer = await client.post(sms.url, json=said, headers=headers)
        except MissingSecret as missing:
            raise Closed(str(missing)) from missing
        except httpx.HTTPError as away:
            raise Closed(f"the gateway cannot be used: {away or type(away).__name__}") from away
        _look_at(answer)


def _look_at(answer: httpx.Response) -> None:
    said = f"the gateway says: {answer.status_code} {cleaned(' '.join(answer.text[:SAID_MAX].split()), SAID_MAX)}"
    if answer.is_success:
        return
    if answer.status_code in ABOUT_US:
        raise Closed(said)
    if answer.is_client_error and answer.status_code not in LATER:
        raise Refused(said)
    raise NotNow(said)
