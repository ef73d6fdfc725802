"""How citizens are in touch with an administration."""

from enum import StrEnum


class Channel(StrEnum):
    CALL = "call"
    VOICEMAIL = "voicemail"
    CALL_BACK = "call-back"
    MAIL = "mail"
    FORM = "form"  # on the web
    LETTER = "letter"
    FAX = "fax"
