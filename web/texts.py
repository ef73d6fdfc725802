"""What the pages say, in Italian and English."""

from collections.abc import Mapping

LANGUAGES = ("it", "en")  # the first is the default

# one line per text: its name, then Italian, then English
_TEXTS: dict[str, tuple[str, str]] = {
    "title": ("Centralino – adesso", "Centralino – now"),
    "now": ("Adesso", "Now"),
    "skip": ("Vai alle code", "Skip to the queues"),
    "language": ("Lingua", "Language"),
    "summary": ("In breve", "In brief"),
    "can_answer": ("Si può rispondere", "Calls can be answered"),
    "can_not_answer": ("Non si può rispondere", "Calls cannot be answered"),
    "connection_lost": (
        "Connessione persa: mi ricollego. Quello che vedi può essere vecchio.",
        "Connection lost – reconnecting. What you see may be old.",
    ),
    "engine_away": (
        "Il motore non risponde: le chiamate non si vedono. Torno a mostrarle appena riparte.",
        "The engine is away: calls cannot be seen. They will show again as soon as it is back.",
    ),
    "no_script": (
        "Senza JavaScript la pagina mostra il momento in cui è stata aperta: ricaricala per aggiornarla.",
        "Without JavaScript the page shows the moment it was opened: reload it to update it.",
    ),
    "waiting": ("In attesa", "Waiting"),
    "longest_wait": ("Attesa più lunga", "Longest wait"),
    "free_agents": ("Operatori liberi", "Free agents"),
    "talking": ("In conversazione", "Talking"),
    "answered_today": ("Risposte oggi", "Answered today"),
    "abandoned_today": ("Abbandonate oggi", "Abandoned today"),
    "in_time_today": ("Entro i tempi oggi", "In time today"),
    "queues": ("Code", "Queues"),
    "queues_caption": ("Le code: chi aspetta adesso e come va oggi", "The queues: who waits now, and how today goes"),
    "queue": ("Coda", "Queue"),
    "free": ("Liberi", "Free"),
    "answered": ("Risposte", "Answered"),
    "abandoned": ("Abbandonate", "Abandoned"),
    "mean_wait": ("Attesa media", "Mean wait"),
    "in_time": ("Entro i tempi", "In time"),
    "target": ("obiettivo {share} entro {within}", "target {share} within {within}"),
    "site_open": ("aperta anche {site}: {why}", "{site} is open too: {why}"),
    "agents": ("Operatori", "Agents"),
    "agents_caption": ("Operatori della sede {site}", "Agents at the site {site}"),
    "agent": ("Operatore", "Agent"),
    "phone": ("Telefono", "Phone"),
    "state": ("Stato", "State"),
    "since": ("Da", "For"),
    "left": ("ancora", "for another"),
    "calls": ("Chiamate", "Calls"),
    "calls_caption": ("Le chiamate in corso", "The calls in progress"),
    "caller": ("Chiamante", "Caller"),
    "withheld": ("numero nascosto", "number withheld"),
    "service": ("Servizio", "Service"),
    "where": ("Dove", "Where"),
    "position": ("{queue}, posto {position}", "{queue}, place {position}"),
    "rung": ("squillano {phones} telefoni", "{phones} phones ring"),
    "in_all": ("In tutto", "In all"),
    "why": ("Perché", "Why"),
    "no_queues": ("Nessuna coda.", "No queues."),
    "no_agents": ("Nessun operatore.", "No agents."),
    "no_calls": ("Nessuna chiamata in corso.", "No calls in progress."),
    "instant": ("%d/%m/%Y alle %H:%M", "%Y-%m-%d at %H:%M"),
    "configuration": ("Configurazione", "Configuration"),
    "configuration_in_force": (
        "Configurazione {number}, in vigore dal {at}, {by}",
        "Configuration {number}, in force since {at}, {by}",
    ),
    "configuration_kept": ("{number}: {at}, {by}", "{number}: {at}, {by}"),
    "configuration_none": ("Nessuna configurazione è ancora in vigore.", "No configuration is in force yet."),
    "configuration_by": ("da {who}", "by {who}"),
    "configuration_by_page": ("dalla pagina {who}", "from the page {who}"),
    "configuration_at_a_start": ("all'avvio", "at a start"),
    "configuration_reload": ("Ricarica la configurazione", "Reload the YAML"),
    "configuration_back": ("Torna alla precedente", "Go back one"),
    "configuration_explained": (
        "Prima vedi che cosa cambierebbe; niente cambia finché non confermi. "
        "Le chiamate in corso finiscono con la configurazione con cui sono cominciate.",
        "You first see what would change; nothing changes until you confirm. "
        "Calls in progress end in the configuration they began in.",
    ),
    "configuration_history": ("Le ultime dieci", "The last ten"),
    "configuration_changes": ("Ecco che cosa cambierebbe", "This would change"),
    "configuration_unchanged": ("Non cambia niente: è già in vigore.", "Nothing changes: it is in force already."),
    "configuration_refused": (
        "Così non si può caricare. Niente è cambiato.",
        "It cannot be loaded like this. Nothing has changed.",
    ),
    "configuration_back_changes": (
        "Tornando alla {number} cambierebbe questo",
        "Going back to {number} would change this",
    ),
    "configuration_back_unchanged": (
        "La {number} è uguale a quella in vigore.",
        "{number} is the same as the one in force.",
    ),
    "configuration_back_refused": (
        "Alla {number} non si può tornare. Niente è cambiato.",
        "There is no way back to {number}. Nothing has changed.",
    ),
    "configuration_do": ("Metti in vigore", "Put it in force"),
    "configuration_cancel": ("Annulla", "Cancel"),
    "configuration_close": ("Chiudi", "Close"),
    "configuration_changed": ("Ecco che cosa è cambiato", "This has changed"),
    "configuration_looking": ("Controllo…", "Checking…"),
    "configuration_loading": (
        "Carico: i testi nuovi vengono letti ad alta voce, può durare qualche minuto…",
        "Loading: new texts are being spoken, which can take some minutes…",
    ),
    "configuration_failed": ("Non è riuscito", "It failed"),
    "configuration_unheard": (
        "La risposta non è arrivata: guarda qui sopra quale configurazione è in vigore.",
        "No answer came: see above which configuration is in force.",
    ),
    "configuration_done": (
        "La configurazione {number} è in vigore.",
        "Configuration {number} is in force.",
    ),
    "asks_for_help": ("chiede aiuto", "asks for help"),
    "phone_unreachable": ("telefono non raggiungibile", "phone unreachable"),
    "spoken_summary": (
        "In attesa {waiting}, operatori liberi {free}, conversazioni {talking}.",
        "Waiting {waiting}, agents free {free}, conversations {talking}.",
    ),
    "agent.signed out": ("non in servizio", "signed out"),
    "agent.paused": ("in pausa", "paused"),
    "agent.free": ("libero", "free"),
    "agent.reserved": ("prenotato", "reserved"),
    "agent.ringing": ("squilla", "ringing"),
    "agent.talking": ("in conversazione", "talking"),
    "agent.wrapping up": ("chiude la pratica", "wrapping up"),
    "agent.resting": ("non ha risposto", "resting"),
    "call.arrived": ("arrivata", "arrived"),
    "call.in menu": ("nel menu", "in the menu"),
    "call.queued": ("in coda", "queued"),
    "call.offered": ("squilla", "ringing"),
    "call.calling back": ("si richiama", "calling back"),
    "call.whispering": ("l'operatore sente chi chiama", "the agent hears who calls"),
    "call.talking": ("in conversazione", "talking"),
    "call.on hold": ("in attesa dell'operatore", "on hold"),
    "call.taken over": ("con un supervisore", "with a supervisor"),
    "call.transferring": ("squilla all'ufficio", "ringing an office"),
    "call.transferred": ("con un ufficio", "with an office"),
    "call.parked": ("parcheggiata", "parked"),
    "call.voicemail": ("segreteria", "voicemail"),
}


# Why a call is where it is, as the engine says it (acd/why.py, in English) → in Italian.
_WHY = {
    "the longest idle agent who is able": "l'operatore adatto libero da più tempo",
    "the agent with the best skill, then the longest idle": "l'operatore più competente, poi libero da più tempo",
    "the able agent who had the least to do today": "l'operatore adatto che oggi ha lavorato meno",
    "the able agent whose turn it is": "l'operatore adatto a cui tocca",
    "the first able agent in the order of agents.yaml": "il primo operatore adatto nell'ordine di agents.yaml",
    "the free agents of the other site are kept for its own callers": "l'altra sede tiene liberi i suoi operatori",
    "there is an emergency": "c'è un'emergenza",
    "it was opened by hand": "è stata aperta a mano",
    "nobody able is at the first site": "nella prima sede non c'è nessun operatore adatto",
    "a caller has waited long": "qualcuno ha atteso a lungo",
    "many callers wait": "molte persone sono in attesa",
    "a long wait is expected": "si prevede un'attesa lunga",
    "it was closed by hand": "è stata chiusa a mano",
    "its reason has been gone for a while": "il motivo è venuto meno da un po'",
    "all who are able and free are rung": "squilla a tutti gli operatori adatti e liberi",
    "somebody else answered": "ha risposto un altro operatore",
    "nobody is signed in": "nessun operatore è in servizio",
    "nobody who is here has the skill": "nessun operatore presente ha la competenza",
    "everybody who is able is busy": "tutti gli operatori adatti sono occupati",
    "no connection to the phone system": "manca il collegamento al centralino telefonico",
    "the phone was not answered": "il telefono non ha avuto risposta",
    "the phone system never said that the phone rings": "il centralino non ha mai fatto sapere che il telefono squilla",
    "the phone was busy": "il telefono era occupato",
    "the agent rejected the call": "l'operatore ha rifiutato la chiamata",
    "the phone could not be reached": "il telefono non era raggiungibile",
    "the phone system could not ring the phone": "non è stato possibile far squillare il telefono",
    "the caller hung up": "chi chiamava ha riagganciato",
    "the agent is not ready any more": "l'operatore non è più disponibile",
    "the agent was reset": "l'operatore è stato liberato",
    "the queue was full": "la coda era piena",
    "the longest wait was over": "è trascorsa l'attesa massima",
    "the caller pressed a key": "chi chiamava ha premuto un tasto",
    "nobody there answered in time": "nessuno ha risposto in tempo",
    "the queue is no longer in queues.yaml": "la coda non è più in queues.yaml",
    "its time was over": "il tempo era scaduto",
    "the agent was done": "l'operatore aveva finito",
    "the agent took a call of a colleague": "l'operatore ha preso la chiamata di un collega",
    "paused longer than anybody may": "in pausa più a lungo del consentito",
    "they, or their phone, are no longer in agents.yaml": "l'operatore, o il suo telefono, non è più in agents.yaml",
    "there is no wrap-up": "non c'è nessuna pratica da chiudere",
    "the wrap-up is as long as the queue allows": "di più la coda non concede",
    "Asterisk is not connected": "Asterisk non è collegato",
}


class Texts:
    """The texts of one language: `texts("waiting")`, `texts("position", queue="tributi", position=2)`.

    `known`: each text's name, then the text in each of LANGUAGES.
    """

    def __init__(self, language: str, known: Mapping[str, tuple[str, str]] = _TEXTS) -> None:
        self.language, self._known = language, known
        self._column = LANGUAGES.index(language)

    def __call__(self, name: str, **values: object) -> str:
        """The text called `name`. Raises KeyError where there is none."""
        return self._known[name][self._column].format(**values)

    def why(self, reason: str) -> str:
        """A reason of the engine's; one we have no words for is shown as it is."""
        return _WHY.get(reason, reason) if self.language == "it" else reason

    def state(self, of: str, state: str) -> str:
        """The word for a state of an `agent` or a `call`; a state we have no word for is shown as it is."""
        texts = self._known.get(f"{of}.{state}")
        return texts[self._column] if texts else state


def choose_language(wanted: str | None, accept_language: str) -> str:
    """The language of a page: the one asked for, else the best of the browser's, else the default."""
    if wanted in LANGUAGES:
        return wanted
    for language in sorted(_accepted(accept_language), key=lambda entry: -entry[1]):
        if language[0] in LANGUAGES and language[1] > 0:
            return language[0]
    return LANGUAGES[0]


def _accepted(header: str) -> list[tuple[str, float]]:
    """`en-GB;q=0.8, it` as [("en", 0.8), ("it", 1.0)]; a weight that is no number counts as 0."""
    found = []
    for part in header.split(",")[:20]:
        name, _, weight = part.partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            quality = 0.0
        found.append((name.strip().split("-")[0].lower(), quality))
    return found
