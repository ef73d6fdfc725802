"""How a citizen is told of the progress of their case: in which words, by mail and by SMS. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from cases.case_number import in_groups
from cases.state import Act

NAME_MAX = 60  # in an SMS: so that it remains one


class Progress(StrEnum):
    """What citizens can be told of."""

    TAKEN_IN = "taken in"  # what they wrote stands with a case
    HANDED_OVER = "handed over"
    ANSWERED = "answered"
    CLOSED = "closed"
    REOPENED = "reopened"


P = Progress
OF_ACTS: Mapping[Act, tuple[Progress, ...]] = {  # the first that is told
    Act.HAND_OVER: (P.HANDED_OVER,),
    Act.ANSWER: (P.ANSWERED, P.CLOSED),
    Act.CLOSE: (P.CLOSED,),
    Act.REOPEN: (P.REOPENED,),
}


@dataclass(frozen=True, slots=True)
class News:
    """What a citizen is told: by `administration`, who answers at the telephone `service`. `code`: what they key in,
    beside the number of the `case`. `words`: those of whoever did it; only an office's answer is told.
    """

    progress: Progress
    case: str
    code: str
    administration: str
    service: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Texts:
    """In one language. What stands in braces is filled in."""

    subjects: Mapping[Progress, str]
    bodies: Mapping[Progress, str]
    mail: str
    sms: Mapping[Progress, str]
    sms_end: str


def mail_of(news: News, language: str) -> tuple[str, str]:
    """Subject and words."""
    texts = TEXTS.get(language, TEXTS[DEFAULT])
    body = texts.bodies[news.progress].format(words=news.words)
    return texts.subjects[news.progress], texts.mail.format(body=body, **_facts(news))


def sms_of(news: News, language: str) -> str:
    """Short, and nothing of what the case is about: whoever looks at a telephone may read it."""
    texts = TEXTS.get(language, TEXTS[DEFAULT])
    name = news.administration[:NAME_MAX].rstrip()
    said = f"{texts.sms[news.progress]} {texts.sms_end}".format(**_facts(news))
    return f"{name}: {said}"


def _facts(news: News) -> dict[str, str]:
    number = in_groups(news.case)
    return {"case": number, "code": news.code, "service": news.service, "administration": news.administration}


DEFAULT = "it"
TEXTS: Mapping[str, Texts] = {
    "it": Texts(
        subjects={
            P.TAKEN_IN: "Abbiamo ricevuto la sua richiesta",
            P.HANDED_OVER: "La sua richiesta è all'ufficio competente",
            P.ANSWERED: "La risposta alla sua richiesta",
            P.CLOSED: "La sua richiesta è chiusa",
            P.REOPENED: "La sua richiesta è di nuovo aperta",
        },
        bodies={
            P.TAKEN_IN: "abbiamo ricevuto la sua richiesta e ce ne stiamo occupando.",
            P.HANDED_OVER: "la sua richiesta è ora all'ufficio competente, che le risponderà.",
            P.ANSWERED: "alla sua richiesta l'ufficio risponde:\n\n{words}",
            P.CLOSED: "la sua richiesta è stata chiusa.",
            P.REOPENED: "la sua richiesta è di nuovo aperta: ce ne stiamo occupando.",
        },
        mail=(
            "Gentile cittadina, gentile cittadino,\n\n{body}\n\n"
            "Numero della pratica: {case}\nCodice: {code}\n\n"
            "Li tenga a portata di mano quando chiama il {service}. Se risponde a questa mail, lasci il numero "
            "nell'oggetto.\n\n{administration}"
        ),
        sms={
            P.TAKEN_IN: "abbiamo ricevuto la sua richiesta.",
            P.HANDED_OVER: "la sua richiesta è ora all'ufficio competente.",
            P.ANSWERED: "c'è la risposta alla sua richiesta, chiami il {service}.",
            P.CLOSED: "la sua richiesta è stata chiusa.",
            P.REOPENED: "la sua richiesta è di nuovo aperta.",
        },
        sms_end="Pratica {case}, codice {code}.",
    ),
    "en": Texts(
        subjects={
            P.TAKEN_IN: "We have received your request",
            P.HANDED_OVER: "Your request is with the office in charge",
            P.ANSWERED: "The answer to your request",
            P.CLOSED: "Your request is closed",
            P.REOPENED: "Your request is open again",
        },
        bodies={
            P.TAKEN_IN: "we have received your request and are looking into it.",
            P.HANDED_OVER: "your request is now with the office in charge, which will answer you.",
            P.ANSWERED: "the office answers your request:\n\n{words}",
            P.CLOSED: "your request has been closed.",
            P.REOPENED: "your request is open again: we are looking into it.",
        },
        mail=(
            "Dear citizen,\n\n{body}\n\n"
            "Case number: {case}\nCode: {code}\n\n"
            "Keep them at hand when you call {service}. If you answer this mail, leave the number in its subject.\n\n"
            "{administration}"
        ),
        sms={
            P.TAKEN_IN: "we have received your request.",
            P.HANDED_OVER: "your request is now with the office in charge.",
            P.ANSWERED: "your request has an answer, please call {service}.",
            P.CLOSED: "your request has been closed.",
            P.REOPENED: "your request is open again.",
        },
        sms_end="Case {case}, code {code}.",
    ),
}
