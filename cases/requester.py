"""Who asks, as what, and from which part of the country: for what is counted, never for who is served."""

from enum import StrEnum


class Requester(StrEnum):
    """As what somebody is in touch."""

    CITIZEN = "citizen"
    INSTITUTION = "institution"  # another administration, a school, the police
    ORGANISATION = "organisation"  # an association, a trade union
    BUSINESS = "business"


class Region(StrEnum):
    """The regions of Italy (art. 131 of its constitution), and elsewhere."""

    ABRUZZO = "Abruzzo"
    BASILICATA = "Basilicata"
    CALABRIA = "Calabria"
    CAMPANIA = "Campania"
    EMILIA_ROMAGNA = "Emilia-Romagna"
    FRIULI_VENEZIA_GIULIA = "Friuli-Venezia Giulia"
    LAZIO = "Lazio"
    LIGURIA = "Liguria"
    LOMBARDIA = "Lombardia"
    MARCHE = "Marche"
    MOLISE = "Molise"
    PIEMONTE = "Piemonte"
    PUGLIA = "Puglia"
    SARDEGNA = "Sardegna"
    SICILIA = "Sicilia"
    TOSCANA = "Toscana"
    TRENTINO_ALTO_ADIGE = "Trentino-Alto Adige"
    UMBRIA = "Umbria"
    VALLE_D_AOSTA = "Valle d'Aosta"
    VENETO = "Veneto"
    ABROAD = "abroad"
