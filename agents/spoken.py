"""What agents hear at their phones when they dial a code, or somebody. Each sentence in each of `LANGUAGES`."""

from collections.abc import Iterable
from enum import Enum

from agents.places import PLACES
from ivr.prompts import Prompt

LANGUAGES = ("it", "en")


class Spoken(Enum):
    """A sentence: in Italian, in English. Names in braces are put in."""

    SIGNED_IN = ("Sei in servizio.", "You are signed in.")
    SIGNED_OUT = ("Sei fuori servizio.", "You are signed out.")
    PAUSED = ("Sei in pausa.", "You are paused.")
    PAUSED_FOR = ("Sei in pausa: {reason}.", "You are paused: {reason}.")
    READY = ("Sei pronto per la prossima chiamata.", "You are ready for the next call.")
    TAKES_LONGER = ("Hai altro tempo per finire la pratica.", "You have more time to finish.")
    KEY_IN_NUMBER = (
        "Digita il tuo numero di operatore, poi cancelletto.",
        "Key in your agent number, then hash.",
    )
    KEY_IN_PIN = ("Digita il tuo PIN, poi cancelletto.", "Key in your PIN, then hash.")
    NOBODY_WAITS = ("Nessuno è in attesa.", "Nobody is waiting.")
    ONE_WAITS = ("Una persona è in attesa, da {wait}.", "One caller is waiting, for {wait}.")
    MANY_WAIT = (
        "{count} persone sono in attesa, la prima da {wait}.",
        "{count} callers are waiting, the first for {wait}.",
    )
    TO_WHOM = (
        "Digita il numero a cui passare la chiamata, poi cancelletto.",
        "Key in where the call is to go, then hash.",
    )
    PARKED = ("Chiamata parcheggiata. Per riprenderla: {place}.", "The call is parked. To fetch it, dial {place}.")
    LESS_THAN_A_MINUTE = ("meno di un minuto", "less than a minute")
    # what cannot be done
    NOTHING_KEYED = ("Non hai digitato nulla.", "You have not keyed in anything.")
    UNKNOWN_AGENT = ("Questo numero di operatore non esiste.", "There is no agent with this number.")
    UNKNOWN_REASON = ("Questo motivo di pausa non esiste.", "There is no such reason for a pause.")
    UNKNOWN_NUMBER = ("Il numero non è valido.", "This number is not valid.")
    WRONG_PIN = ("Il PIN non è corretto.", "This PIN is wrong.")
    LOCKED = (
        "Troppi tentativi. Riprova tra qualche minuto, oppure chiedi al tuo supervisore.",
        "Too many tries. Try again in a few minutes, or ask your supervisor.",
    )
    NO_PIN = (
        "Per questo numero non è stato scelto un PIN. Chiedi al tuo supervisore.",
        "No PIN was set for this number. Ask your supervisor.",
    )
    NOBODY_HERE = ("Nessun operatore è in servizio a questo telefono.", "Nobody is signed in at this phone.")
    PHONE_TAKEN = (
        "A questo telefono è già in servizio un altro operatore.",
        "Another agent is signed in at this phone.",
    )
    ELSEWHERE = ("Sei già in servizio a un altro telefono.", "You are signed in at another phone already.")
    OTHER_SITE = ("Questo telefono è di un'altra sede.", "This phone is at another site.")
    HAS_A_CALL = ("Hai ancora una chiamata in corso.", "You still have a call.")
    NO_WRAP_UP = ("Non c'è nessuna pratica da finire.", "There is nothing to finish.")
    NO_LAST_CALL = ("Non hai una chiamata recente da annotare.", "You have no recent call to note.")
    KEYS_OF_KINDS = (
        "Dopo asterisco quarantanove digita: 1 informazione, 2 segnalazione, 3 richiesta di intervento, 4 reclamo, "
        "5 complimento; poi 1 se l'hai risolta, 2 se l'hai passata.",
        "After star forty-nine key in: 1 information, 2 report, 3 request for intervention, 4 complaint, 5 compliment; "
        "then 1 if you solved it, 2 if you handed it on.",
    )
    LONGEST_WRAP_UP = ("Non puoi avere altro tempo.", "You cannot have more time.")
    NO_PLACE = ("Non c'è più posto per parcheggiare la chiamata.", "There is no place left to park the call.")
    NOBODY_PARKED = ("Nessuna chiamata è parcheggiata a questo numero.", "No call is parked at this number.")
    HELP_IS_CALLED = ("Il supervisore è stato chiamato.", "Your supervisor is being called.")
    HELP_IS_HERE = ("Il supervisore è già in ascolto.", "Your supervisor is listening already.")
    NO_HELP = ("Nessun supervisore risponde.", "No supervisor answers.")
    NOT_NOW = ("Adesso non è possibile.", "This is not possible now.")
    # listening
    KEY_IN_SUPERVISOR = (
        "Digita il tuo numero di supervisore, poi cancelletto.",
        "Key in your supervisor number, then hash.",
    )
    KEY_IN_WHOM = (
        "Digita il numero dell'operatore, poi cancelletto.",
        "Key in the agent's number, then hash.",
    )
    UNKNOWN_SUPERVISOR = ("Questo numero di supervisore non esiste.", "There is no supervisor with this number.")
    NOT_YOUR_SITE = ("Non puoi ascoltare gli operatori di quella sede.", "You may not listen to agents of that site.")
    NOT_YOUR_QUEUE = ("Non puoi ascoltare le chiamate di quella coda.", "You may not listen to calls of that queue.")
    NOBODY_TALKS = ("Questo operatore non è in conversazione.", "This agent is in no conversation.")
    NOT_YOUR_AGENT = ("Questo operatore è di un'altra sede.", "This agent is at a site that is not yours.")
    AGENT_IS_FREE = ("L'operatore è di nuovo libero.", "The agent is free again.")
    TALK_IS_OVER = ("La conversazione è finita.", "The conversation is over.")
    # recording
    RECORDING_PAUSED = ("La registrazione è in pausa.", "The recording is paused.")
    RECORDING_GOES_ON = ("La registrazione riprende.", "The recording goes on.")
    NOT_RECORDED = ("Questa conversazione non è registrata.", "This conversation is not recorded.")
    DELETE_RECORDING = (
        "Per cancellare la registrazione premi di nuovo asterisco 3.",
        "To delete the recording press star 3 again.",
    )
    RECORDING_DELETED = ("La registrazione è finita e viene cancellata.", "The recording has ended and is deleted.")
    NO_RECORDING_PAUSE = (
        "In questa coda la registrazione non si può sospendere.",
        "In this queue the recording may not be paused.",
    )
    # calls to others
    BUSY = ("La persona chiamata è occupata.", "They are busy.")
    NO_ANSWER = ("La persona chiamata non risponde.", "They do not answer.")
    NOT_HERE = ("La persona chiamata non è raggiungibile.", "They cannot be reached.")
    NOT_ALLOWED = ("Questo numero non può essere chiamato.", "This number may not be called.")

    def prompt(self, language: str, **put_in: str | int) -> Prompt:
        """The sentence in `language` (one of `LANGUAGES`), with what is put in."""
        return Prompt(self.value[LANGUAGES.index(language)].format(**put_in), language)


def language_of(languages: Iterable[str]) -> str:
    """In which language somebody who speaks `languages` is spoken to: Italian, where they speak it."""
    return next((language for language in LANGUAGES if language in {*languages}), LANGUAGES[0])


def prompts() -> frozenset[Prompt]:
    """Every sentence of which is known what is put in: made before the first call."""
    plain = [(spoken, language) for spoken in Spoken for language in LANGUAGES if "{" not in "".join(spoken.value)]
    parked = {Spoken.PARKED.prompt(language, place=place) for language in LANGUAGES for place in PLACES}
    return frozenset({spoken.prompt(language) for spoken, language in plain} | parked)
