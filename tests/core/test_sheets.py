"""The knowledge base in the database: which sheets a question finds, and how they come there and go again."""

from dataclasses import replace
from datetime import date

import pytest

from cases.sheets import QUESTION_CHARACTERS_MAX, BadQuestion, Sheet, asked_for, snippet
from cases.sheets_store import Question, keep_sheets, outdated, search, sheet
from tests.records import House

TARI = Sheet(
    id="tari",
    title="Tassa sui rifiuti (TARI)",
    kind="service",
    owner="Ufficio Tributi",
    body="La **tassa** si paga in due rate. Chi cambia residenza lo dice entro [60 giorni](residenza.md).",
    entity="comune-firenze",
    topics=("tributi",),
    keywords=("spazzatura",),
    valid_until=date(2026, 12, 31),
)
RESIDENZA = Sheet(
    id="residenza",
    title="Cambio di residenza",
    kind="service",
    owner="Anagrafe",
    body="Si chiede all'anagrafe della città; serve la carta d'identità. Poi si aggiorna la tassa sui rifiuti.",
    entity="comune-fiesole",
)
SPORTELLO = Sheet(
    id="sportello",
    title="Sportello al cittadino",
    kind="office",
    owner="Anagrafe",
    body="Riceve su appuntamento.",
    address="Piazza della Prova 1",
    phones=("+39055055",),
    hours="mon-fri 08:30-13:00",
    valid_until=date(2026, 1, 31),
)
REGISTRY = Sheet("registry", "Registry office", "office", "Anagrafe", "Opening hours by appointment.", language="en")
ALL = (TARI, RESIDENZA, SPORTELLO, REGISTRY)


@pytest.fixture
async def filled(house: House) -> House:
    await house.database.upgrade()
    assert await keep_sheets(house.database, ALL) == 4
    return house


async def ids(house: House, words: str, **more: str) -> list[str]:
    return [found.sheet.id for found in await search(house.database, Question(words, **more))]


ASKED = {
    "rifiuto": ["tari", "residenza"],  # singular for plural; the title counts more
    "TASSE RIFIUTI": ["tari", "residenza"],
    "come si pagano le tasse?": ["tari"],
    "citta": ["residenza"],
    "identita": ["residenza"],
    "dell'anagrafe": ["residenza"],
    "spazzatura": ["tari"],
    "tributi": ["tari"],
    "piazza prova": ["sportello"],
    "+39055055": ["sportello"],
    "opening": ["registry"],
    "dove sono": [],
    "zanzare": [],
}


async def test_a_question_finds_sheets_in_each_form_of_its_words(filled: House) -> None:
    assert {words: await ids(filled, words) for words in ASKED} == ASKED


async def test_where_no_sheet_has_all_words_those_with_some_are_found(filled: House) -> None:
    assert sorted(await ids(filled, "sportelli spazzatura")) == ["sportello", "tari"]


async def test_a_search_may_be_for_the_sheets_of_an_entity_and_for_all_or_of_a_kind(filled: House) -> None:
    assert await ids(filled, "rifiuti", entity="comune-fiesole") == ["residenza"]
    assert await ids(filled, "appuntamento", entity="comune-fiesole") == ["sportello"]
    assert await ids(filled, "anagrafe sportello", kind="office") == ["sportello"]
    assert len(await search(filled.database, Question("rifiuti", limit=1))) == 1


ODD = (
    '"', "'", "rifiuti OR", "NEAR(rifiuti)", "title:x*", "-rifiuti", "rifiuti & !x", "a:*", "rifiuti\x00x",
    "') DROP TABLE sheets; --", "(((", "{rifiuti}", "🙂 rifiuti", "ﬁle", "\\", "^rifiuti", "1e5 0x1F 3.14", "a_b",
)  # fmt: skip


async def test_nothing_that_people_type_is_read_as_a_language(filled: House) -> None:
    for words in ODD:
        try:
            assert set(await ids(filled, words)) <= {"tari", "residenza"}, words
        except BadQuestion:
            assert not any(letter.isalnum() for letter in words)
    assert await sheet(filled.database, "tari") == TARI


@pytest.mark.parametrize(
    ("words", "says"),
    [("", "no word"), ("  ?!  ", "no word"), ("x" * (QUESTION_CHARACTERS_MAX + 1), "are too many")],
)
def test_a_question_without_words_or_with_too_many_is_told_so(words: str, says: str) -> None:
    with pytest.raises(BadQuestion, match=says):
        asked_for(words)


async def test_a_sheet_comes_back_as_it_was_written(filled: House) -> None:
    for one in ALL:
        assert await sheet(filled.database, one.id) == one
    assert await sheet(filled.database, "nobody") is None


async def test_only_what_changed_is_written_anew_and_what_is_gone_is_found_no_more(filled: House) -> None:
    assert await keep_sheets(filled.database, ALL) == 0
    other = replace(TARI, body="Si paga con il bollettino.")
    assert await keep_sheets(filled.database, [other, RESIDENZA, REGISTRY]) == 2
    assert await ids(filled, "rate") == []
    assert await ids(filled, "bollettini") == ["tari"]
    assert await ids(filled, "sportello") == []
    assert await keep_sheets(filled.database, []) == 3
    assert await ids(filled, "rifiuti") == []


async def test_what_is_out_of_date_is_told_by_owner(filled: House) -> None:
    assert [one.id for one in await outdated(filled.database, date(2026, 1, 31))] == []
    assert [one.id for one in await outdated(filled.database, date(2026, 2, 1))] == ["sportello"]
    found = await outdated(filled.database, date(2027, 1, 1))
    assert [(one.owner, one.id) for one in found] == [
        ("Anagrafe", "sportello"),
        ("Ufficio Tributi", "tari"),
    ]


async def test_a_long_sheet_is_found_by_its_last_word(filled: House) -> None:
    long = replace(TARI, id="long", body=" ".join(f"parola{n}" for n in range(9_000)) + " bicicletta")
    repeated = replace(TARI, id="repeated", body="ombrello " * 9_000)
    await keep_sheets(filled.database, [long, repeated])
    assert await ids(filled, "biciclette") == ["long"]
    assert await ids(filled, "ombrelli") == ["repeated"]


def test_a_snippet_is_the_text_around_the_first_word_that_was_asked_for() -> None:
    body = f"# Titolo\n\n{'prima ' * 60}paga le [Tasse](tari.md) in *due* rate. {'dopo ' * 60}"
    cut = snippet(body, [("tass", "tasse"), ("rat",)])
    assert cut.startswith("… prima ")
    assert cut.endswith(" dopo …")
    assert "paga le **Tasse** in due **rate**." in cut
    assert snippet("Breve.", [("x",)]) == "Breve."
