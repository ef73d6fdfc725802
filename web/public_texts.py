"""What the pages for citizens say, in Italian and English."""

PUBLIC_TEXTS: dict[str, tuple[str, str]] = {
    "skip": ("Vai al contenuto", "Skip to the content"),
    "language": ("Lingua", "Language"),
    "pages": ("Pagine", "Pages"),
    "write": ("Scrivici", "Write to us"),
    "state": ("Segui la tua pratica", "Follow your case"),
    "write_explained": (
        "Fai una domanda o segnala un problema. Ricevi subito il numero della pratica e un codice per seguirla.",
        "Ask something, or report a problem. You get a case number at once, and a code to follow it.",
    ),
    "optional": ("facoltativo", "optional"),
    "choose": ("Scegli", "Choose"),
    "entity": ("A chi scrivi", "To whom you write"),
    "topic": ("Argomento", "Topic"),
    "subject": ("Oggetto", "Subject"),
    "words": ("Il tuo messaggio", "Your message"),
    "words_hint": (
        "Al massimo {most} caratteri. Non scrivere dati sulla salute, né altri che non servono.",
        "At most {most} characters. Leave out data about health, and whatever is not needed.",
    ),
    "you": ("Chi sei", "Who you are"),
    "you_hint": (
        "Puoi scriverci anche senza dire chi sei. Allora segui la pratica solo con numero e codice.",
        "You may write without saying who you are. Then only number and code lead you to your case.",
    ),
    "name": ("Nome e cognome", "Name"),
    "phone": ("Telefono", "Telephone"),
    "phone_hint": (
        "Così ti riconosciamo quando chiami. Per esempio 333 1234567.",
        "So that we know you when you call.",
    ),
    "mail": ("Indirizzo email", "Email address"),
    "mail_hint": ("Qui ricevi conferma, per esempio nome@esempio.it.", "A confirmation goes there: name@example.org."),
    "requester": ("Scrivi come", "You write as"),
    "requester.citizen": ("cittadina o cittadino", "a citizen"),
    "requester.institution": ("istituzione", "an institution"),
    "requester.organisation": ("associazione", "an organisation"),
    "requester.business": ("impresa", "a business"),
    "region": ("Da quale regione", "From which region"),
    "abroad": ("dall'estero", "from abroad"),
    "consent": ("Ho letto l'informativa sulla privacy.", "I have read the privacy notice."),
    "privacy_notice": (
        "Leggi l'informativa sulla privacy (in un'altra scheda)",
        "Read the privacy notice (in another tab)",
    ),
    "trap": ("Lascia vuoto questo campo", "Leave this field empty"),
    "send": ("Invia", "Send"),
    "error": ("Errore", "Error"),
    "errors": ("Non è stato inviato: ecco che cosa correggere", "It was not sent: please correct this"),
    "not_sent": ("Non è stato ancora inviato", "It has not been sent yet"),
    "error_entity": ("Scegli a chi scrivi.", "Choose to whom you write."),
    "error_choice": ("Scegli una voce dell'elenco.", "Choose one of the list."),
    "error_no_words": ("Scrivi il tuo messaggio.", "Write your message."),
    "error_many_words": (
        "Il messaggio ha {length} caratteri: accorcialo a {most}. Quello che hai scritto è ancora qui.",
        "The message has {length} characters: shorten it to {most}. What you wrote is still here.",
    ),
    "error_line_breaks": ("Scrivi su una sola riga.", "Write on one line."),
    "error_long": ("Usa al massimo {line} caratteri.", "Use at most {line} characters."),
    "error_phone": (
        "Questo non è un numero di telefono: scrivilo come 333 1234567, oppure +44 20 7946 0000.",
        "This is no telephone number: write it as 333 1234567, or as +44 20 7946 0000.",
    ),
    "error_mail": (
        "Questo non è un indirizzo email: scrivilo come nome@esempio.it.",
        "This is no email address: write it as name@example.org.",
    ),
    "error_consent": (
        "Leggi l'informativa sulla privacy e conferma di averla letta.",
        "Read the privacy notice and confirm that you have.",
    ),
    "doubt.not ours": (
        "Per sicurezza ricontrolla quello che hai scritto e invialo di nuovo da questa pagina.",
        "To be safe, check what you wrote and send it again from this page.",
    ),
    "doubt.too old": (
        "La pagina è rimasta aperta a lungo. Ricontrolla quello che hai scritto e invialo di nuovo.",
        "The page was open for long. Check what you wrote and send it again.",
    ),
    "doubt.too fast": (
        "Ricontrolla quello che hai scritto e invialo di nuovo.",
        "Check what you wrote and send it again.",
    ),
    "away": (
        "In questo momento non possiamo riceverlo. Quello che hai scritto è qui sotto: riprova tra qualche minuto, "
        "oppure chiamaci.",
        "We cannot take it in just now. What you wrote is below: try again in some minutes, or call us.",
    ),
    "too_often": (
        "Da questa connessione sono arrivati molti messaggi. Quello che hai scritto è qui sotto: riprova tra un'ora, "
        "oppure chiamaci.",
        "Many messages came from this connection. What you wrote is below: try again in an hour, or call us.",
    ),
    "too_long": (
        "Hai inviato troppo testo perché la pagina possa mostrarlo. Torna indietro con il browser: lì trovi ancora "
        "quello che hai scritto. Il messaggio può avere {most} caratteri.",
        "You sent more text than this page can show. Go back in your browser: what you wrote is still there. The "
        "message may have {most} characters.",
    ),
    "taken": ("Abbiamo ricevuto il tuo messaggio", "We have received your message"),
    "case": ("Numero della pratica", "Case number"),
    "code": ("Codice", "Code"),
    "keep": (
        "Annotali: con questi due numeri segui la pratica in questo sito e al telefono.",
        "Write them down: with these two you follow your case here and by telephone.",
    ),
    "confirmation": ("Inviamo una conferma a {mail}.", "A confirmation goes to {mail}."),
    "state_explained": (
        "Scrivi il numero della pratica, e il codice che hai ricevuto oppure le ultime quattro cifre del telefono che "
        "hai indicato o da cui hai chiamato.",
        "Enter the case number, and the code you were given or the last four digits of the telephone that you named or "
        "called from.",
    ),
    "number": ("Numero della pratica", "Case number"),
    "proof": ("Codice, o ultime quattro cifre del telefono", "Code, or last four digits of the telephone"),
    "show": ("Mostra", "Show"),
    "error_number": ("Scrivi il numero della pratica.", "Enter the case number."),
    "error_proof": ("Scrivi le quattro cifre.", "Enter the four digits."),
    "look_errors": ("Ecco che cosa manca", "This is missing"),
    "not_found": (
        "Numero e codice non corrispondono a nessuna pratica. Controllali e riprova. Dopo troppi tentativi sbagliati "
        "la pratica non si può più vedere fino a domani.",
        "Number and code fit no case. Check them and try again. After too many wrong tries a case cannot be seen until "
        "tomorrow.",
    ),
    "nothing_found": ("Non trovata", "Not found"),
    "look_too_often": (
        "Troppi tentativi sbagliati da questa connessione: riprova tra un'ora, oppure chiamaci.",
        "Too many wrong tries from this connection: try again in an hour, or call us.",
    ),
    "look_away": (
        "In questo momento non possiamo guardare: riprova tra qualche minuto, oppure chiamaci.",
        "We cannot look just now: try again in some minutes, or call us.",
    ),
    "not_now": ("Non ora", "Not now"),
    "case_is": ("Pratica {case}", "Case {case}"),
    "stage.worked on": ("Ce ne stiamo occupando.", "We are looking into it."),
    "stage.at office": ("È all'ufficio competente.", "It is with the office in charge."),
    "stage.waiting": (
        "È sospesa: aspettiamo una risposta da te o da un'altra amministrazione.",
        "It is on hold: an answer from you, or from another administration, is awaited.",
    ),
    "stage.over": ("È conclusa.", "It is closed."),
    "since": ("Dal", "Since"),
    "due": ("Risposta prevista entro", "Answer due by"),
    "day": ("%d/%m/%Y", "%d/%m/%Y"),
    "minute": ("%d/%m/%Y, ore %H:%M", "%d/%m/%Y, %H:%M"),
}
