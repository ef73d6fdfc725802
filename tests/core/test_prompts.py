"""Prompts, the system's own sentences, and how texts become sound files (with stand-ins for the speech engines)."""

import asyncio
import calendar
import os
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from centralino import speaking, voices
from centralino.speaking import Trouble, speak, system_sentences
from ivr.prompts import LANGUAGES, Prompt, Unspeakable, slug, spoken_text, unspeakable
from ivr.sentences import LANGUAGES_WITH_SENTENCES, Sentence, TableError, read_sentences, read_table

HELLO = Prompt("Benvenuti allo 055055.", "it")
PATTERNS = {
    "date": "{day} {month} {year}",
    "first_of_month": "first of {month} {year}",
    "case_open": "Open since {opened}.",
    "case_open_due": "Open since {opened}, due {due}.",
    "case_closed": "Closed, opened {opened}.",
    "position": "Number {position}.",
    "wait_between": "Between {low} and {minutes}.",
    "offer_voicemail": "For a message press {key}.",
    "offer_call_back": "For a call-back press {key}.",
    "may_be_recorded": "Recorded, unless you press {key}.",
    "connecting_to": "To {office}.",
}
ENGLISH = "\n".join(
    [f"{sentence}: Some words." for sentence in Sentence]
    + [f'{pattern}: "{text}"' for pattern, text in PATTERNS.items()]
    + [f"months: [{', '.join(calendar.month_name[1:])}]"]
    + ['minutes: {1: "1 minute", other: "{count} minutes"}']
)


# ---- names and texts


def test_the_name_of_a_sound_never_changes_by_itself() -> None:
    assert HELLO.stem("espeak-ng it") == "it/be7d939ebdc64e21a512"


def test_a_sound_has_another_name_for_another_text_language_or_voice() -> None:
    others = {Prompt("Benvenuti.", "it").stem("v"), Prompt(HELLO.text, "en").stem("v"), HELLO.stem("w")}
    assert len(others | {HELLO.stem("v")}) == 4


def test_line_breaks_and_spaces_of_the_yaml_do_not_make_another_sound() -> None:
    assert Prompt(" Benvenuti\n   allo\t055055. ", "it").stem("v") == HELLO.stem("v")


@pytest.mark.parametrize("language", ["", "xx", "../it", "IT"])
def test_a_language_that_is_none_of_ours_is_refused(language: str) -> None:
    with pytest.raises(ValueError, match="is none of"):
        Prompt("Ciao", language)


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("premi [[h@]] <break/> {x} | ora", "premi h@ break/ x ora".replace("@", " chiocciola")),
        ("Per finire premi #.", "Per finire premi cancelletto."),
        ("il 5% di 12 €", "il 5 per cento di 12 euro"),
        ("L’ora “giusta”…", 'L\'ora "giusta".'),
        ("a\x00b\x1b[31m c\u202ed\u200be 😀 \ud800!", "a b 31m cde!"),
    ],
)
def test_what_an_engine_could_take_for_markup_goes_and_signs_become_words(text: str, spoken: str) -> None:
    assert spoken_text(text, "it") == spoken


def test_letters_of_every_language_of_ours_are_kept() -> None:
    for text in ("perché è così", "ça où œuvre", "Grüße ß", "¿Señor?", "您好，请按一。", "مرحبا، اضغط"):
        assert spoken_text(text, "ar") == text


@given(st.text(max_size=300), st.sampled_from(LANGUAGES))
def test_any_text_becomes_one_line_that_is_no_markup(text: str, language: str) -> None:
    prompt = Prompt(text, language)
    assert not set(prompt.spoken) & set("<>[]{}|\\`$\n\r\t\0")
    assert prompt.stem("v").startswith(f"{language}/")


def test_a_text_that_is_too_long_or_has_nothing_to_say_is_told_apart() -> None:
    assert unspeakable(Prompt("a" * 2_000, "it")) is None
    assert unspeakable(Prompt("a" * 2_001, "it")) is Unspeakable.TOO_LONG
    assert unspeakable(Prompt("… – !", "it")) is Unspeakable.NOTHING_TO_SAY


def test_a_recording_can_be_named_by_the_words_of_its_text() -> None:
    assert Prompt("È aperto, oggi!", "it").recording_names()[1] == "e-aperto-oggi"
    assert len(Prompt("您好", "zh").recording_names()) == 1
    start = "parola " * 20
    assert slug(f"{start} una") != slug(f"{start} due")


# ---- what the system itself says


def test_every_language_that_ships_has_every_sentence() -> None:
    sentences = system_sentences()
    assert set(sentences.tables) == set(LANGUAGES_WITH_SENTENCES)
    digits = 10
    for_all = sentences.prompts(LANGUAGES) | sentences.prompts_for_waiting(LANGUAGES)
    everything = for_all | sentences.prompts_for_digits(LANGUAGES)
    assert len(everything) == len(LANGUAGES) * (len(Sentence) + digits)


def test_a_language_without_a_table_hears_english() -> None:
    only_english = read_sentences({"en": ENGLISH})
    assert only_english.prompt(Sentence.GOODBYE, "zh").language == "en"
    assert only_english.case_standing(True, date(2026, 11, 23), None, "zh").language == "en"


def test_dates_are_said_as_people_say_them() -> None:
    tables = system_sentences().tables
    assert tables["it"].date(date(2026, 11, 1)) == "primo novembre 2026"
    assert tables["it"].date(date(2026, 11, 8)) == "8 novembre 2026"
    assert tables["zh"].date(date(2026, 11, 8)) == "2026年11月8日"


def test_who_is_handed_on_hears_to_whom() -> None:
    sentences = system_sentences()
    assert "Ufficio Anagrafe" in sentences.connecting("Ufficio Anagrafe", "it").text
    assert sentences.connecting("", "it") == sentences.prompt(Sentence.CONNECTING, "it")


def test_digits_are_said_one_by_one() -> None:
    assert [prompt.text for prompt in system_sentences().digits("+39 05", "it")] == ["3", "9", "0", "5"]


def test_a_wrong_table_names_each_problem_with_its_place() -> None:
    table = ENGLISH.replace("goodbye:", "godbye:") + "\nwrong_key: Again.\n"
    table = table.replace("no_message: Some words.", "no_message: []")
    table = table.replace("since {opened}, due {due}", "since {due}").replace("January, ", "")
    with pytest.raises(TableError) as wrong:
        read_table("en", table)
    assert str(wrong.value).splitlines() == [
        "en.yaml:4:1: `godbye` is not the name of a sentence",
        "en.yaml:7:13: `no_message` is not a text that can be spoken",
        "en.yaml:30:16: `case_open_due` must hold {due}, {opened}",
        "en.yaml:38:9: `months` is not a list of twelve names",
        "en.yaml:40:1: `wrong_key` stands here twice",
        "en.yaml:1:1: `goodbye` is missing",
    ]


@pytest.mark.parametrize("table", ["goodbye: [", "- a", "", "\x00"])
def test_a_table_that_is_no_table_is_a_problem_with_a_place(table: str) -> None:
    with pytest.raises(TableError, match=r"^en\.yaml:\d+:\d+: "):
        read_sentences({"en": table})


# ---- sounds


class Studio:
    """A machine with sox and only those engines that a test gives it."""

    def __init__(self, root: Path) -> None:
        self.bin, self.sounds, self.recorded = root / "bin", root / "sounds", root / "recorded"
        self.log, self.tone, self.silence = root / "log", root / "tone.wav", root / "silence.wav"
        self.bin.mkdir()
        self.log.touch()
        for program in ("sox", "nice", "cat", "cp", "sleep"):
            found = shutil.which(program)
            assert found, f"install the package {'sox' if program == 'sox' else 'coreutils'}"
            (self.bin / program).symlink_to(found)

    def engine(self, program: str, *, says: Path | None = None, instead: str = "") -> None:
        """Install `program`: it logs the text it gets and writes the sound `says`, or runs `instead`."""
        wav = {"espeak-ng": "$6", "pico2wave": "$4"}[program]
        act = instead or f'cp "{says}" "{wav}"'
        script = f'#!/bin/sh\necho "{program} $(cat)" >> "{self.log}"\n{act}\n'
        (self.bin / program).write_text(script)
        (self.bin / program).chmod(0o755)

    def heard(self) -> list[str]:
        return self.log.read_text().splitlines()

    def record(self, name: str, wav: Path) -> None:
        (self.recorded / "it").mkdir(parents=True, exist_ok=True)
        shutil.copy(wav, self.recorded / "it" / f"{name}.wav")

    async def sox(self, *arguments: str) -> None:
        process = await asyncio.create_subprocess_exec("sox", *arguments)
        assert await asyncio.wait_for(process.wait(), 10) == 0


@pytest.fixture
async def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Studio:
    made = Studio(tmp_path)
    monkeypatch.setenv("PATH", str(made.bin))
    monkeypatch.setattr(speaking, "_FESTIVAL_VOICE", tmp_path / "not installed")
    wav = ("-n", "-r", "22050", "-b", "16", "-c", "1")
    await made.sox(*wav, str(made.tone), "synth", "2", "sine", "600", "gain", "-30", "pad", "1", "2")
    await made.sox(*wav, str(made.silence), "trim", "0", "3")
    return made


def samples(path: Path) -> NDArray[np.float64]:
    return np.fromfile(f"{path}.sln16", dtype="<i2").astype(np.float64) / 32768


async def test_a_text_becomes_three_sounds_of_even_level_without_long_silence(studio: Studio) -> None:
    studio.engine("espeak-ng", says=studio.tone)
    sound = (await speak([HELLO], studio.sounds)).sounds[HELLO]
    heard = samples(sound.path)
    assert sound.engine == "espeak-ng"
    assert len(heard) / 16_000 == pytest.approx(2.25, abs=0.1)  # 5 s were spoken, 3 of them silence
    for ending in ("alaw", "ulaw"):
        assert abs(sound.path.with_suffix(f".{ending}").stat().st_size - len(heard) / 2) <= 1
    middle = heard[8_000:24_000]
    assert 20 * np.log10(np.sqrt(np.mean(middle**2))) == pytest.approx(speaking.SPEECH_LEVEL_DBFS, abs=0.5)


async def test_a_loud_peak_in_soft_speech_is_limited_and_not_clipped(studio: Studio) -> None:
    soft_db, click = "gain -22", "|sox -n -r 22050 -p synth 0.002 sine 600 pad 1.5 0.5"
    spiky = studio.log.with_name("spiky.wav")
    await studio.sox("-m", f"|sox -n -r 22050 -p synth 2 sine 600 {soft_db}", click, str(spiky))
    studio.engine("espeak-ng", says=spiky)
    heard = samples((await speak([HELLO], studio.sounds)).sounds[HELLO].path)
    assert 0.7 < np.abs(heard).max() < 0.97
    assert 20 * np.log10(np.sqrt(np.mean(heard[4_000:20_000] ** 2))) == pytest.approx(-18, abs=1)


async def test_the_real_engine_speaks_every_language(tmp_path: Path) -> None:
    texts = {
        "it": "Premi uno.",
        "en": "Press one.",
        "fr": "Un.",
        "de": "Eins.",
        "es": "Uno.",
        "zh": "您好",
        "ar": "مرحبا",
    }
    prompts = [Prompt(text, language) for language, text in texts.items()]
    spoken = await speak(prompts, tmp_path)
    assert not spoken.problems
    for prompt in prompts:
        heard = samples(spoken.sounds[prompt].path)
        assert 0.3 < len(heard) / 16_000 < 4
        assert np.abs(heard).max() > 0.1


async def test_a_second_run_makes_nothing_and_starts_nothing(studio: Studio) -> None:
    studio.engine("espeak-ng", says=studio.tone)
    first = await speak([HELLO, HELLO], studio.sounds)
    second = await speak([HELLO], studio.sounds, progress=lambda *_: pytest.fail("nothing was to be made"))
    assert (first.made, second.made, second.sounds) == (1, 0, first.sounds)
    assert studio.heard() == [f"espeak-ng {HELLO.text}"]


async def test_a_sound_that_lost_one_of_its_files_is_made_again(studio: Studio) -> None:
    studio.engine("espeak-ng", says=studio.tone)
    sound = (await speak([HELLO], studio.sounds)).sounds[HELLO]
    sound.path.with_suffix(".alaw").unlink()
    assert (await speak([HELLO], studio.sounds)).made == 1
    assert sound.path.with_suffix(".alaw").is_file()


async def test_nothing_half_made_is_left_and_others_may_read_the_sounds(studio: Studio) -> None:
    studio.engine("espeak-ng", says=studio.tone)
    sound = (await speak([HELLO], studio.sounds)).sounds[HELLO]
    assert [entry.name for entry in studio.sounds.iterdir()] == ["it"]
    assert sound.path.with_suffix(".sln16").stat().st_mode & 0o777 == 0o644


async def test_the_text_reaches_the_engine_as_text_and_never_a_shell(studio: Studio) -> None:
    studio.engine("espeak-ng", says=studio.tone)
    prompt = Prompt("-v en; $(touch x) `id` && 'uno' \"due\"", "it")
    await speak([prompt], studio.sounds)
    assert studio.heard() == ["espeak-ng -v en; (touch x) 'id' e e 'uno' \"due\""]


async def test_a_recording_comes_before_every_engine_and_a_new_one_is_noticed(studio: Studio) -> None:
    studio.engine("espeak-ng", says=studio.tone)
    studio.record("benvenuti-allo-055055", studio.tone)
    first = (await speak([HELLO], studio.sounds, recorded=studio.recorded)).sounds[HELLO]
    await studio.sox(str(studio.tone), str(studio.recorded / "it" / f"{HELLO.recording_names()[0]}.wav"), "speed", "2")
    second = (await speak([HELLO], studio.sounds, recorded=studio.recorded)).sounds[HELLO]
    assert (first.engine, second.engine, studio.heard()) == ("recorded", "recorded", [])
    assert len(samples(second.path)) < 0.6 * len(samples(first.path))


async def test_an_empty_recording_is_a_problem_and_an_engine_steps_in(studio: Studio) -> None:
    studio.engine("espeak-ng", says=studio.tone)
    studio.record("benvenuti-allo-055055", studio.silence)
    for _ in range(2):
        spoken = await speak([HELLO], studio.sounds, recorded=studio.recorded)
        assert [problem.why for problem in spoken.problems] == [Trouble.NO_SOUND]
        assert spoken.sounds[HELLO].engine == "espeak-ng"
        assert not spoken.without_sound
    assert len(studio.heard()) == 1


async def test_an_engine_that_falls_silent_is_not_asked_again_for_that_text(studio: Studio) -> None:
    studio.engine("pico2wave", says=studio.silence)
    studio.engine("espeak-ng", says=studio.tone)
    for _ in range(2):
        spoken = await speak([HELLO], studio.sounds)
        assert spoken.sounds[HELLO].engine == "espeak-ng"
    assert [line.split()[0] for line in studio.heard()] == ["pico2wave", "espeak-ng"]


async def test_a_better_engine_that_is_installed_later_speaks_anew(studio: Studio) -> None:
    studio.engine("espeak-ng", says=studio.tone)
    await speak([HELLO], studio.sounds)
    studio.engine("pico2wave", says=studio.tone)
    assert (await speak([HELLO], studio.sounds)).sounds[HELLO].engine == "pico"
    (studio.bin / "pico2wave").unlink()
    assert (await speak([HELLO], studio.sounds)).sounds[HELLO].engine == "pico"


async def test_a_sound_too_short_for_its_text_is_refused(studio: Studio) -> None:
    studio.engine("espeak-ng", says=studio.tone)  # 2 s for 400 characters
    prompt = Prompt("parola " * 60, "it")
    spoken = await speak([prompt], studio.sounds)
    assert spoken.without_sound == {prompt}
    assert "cut short" in str(spoken.problems[0])


async def test_an_engine_that_fails_is_a_problem_with_its_own_words(studio: Studio) -> None:
    studio.engine("espeak-ng", instead="echo no such voice >&2; exit 3")
    spoken = await speak([HELLO], studio.sounds)
    assert spoken.without_sound == {HELLO}
    assert "espeak-ng ended with 3: no such voice" in str(spoken.problems[0])


async def test_an_engine_that_hangs_is_ended_at_the_deadline(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaking, "DEADLINE_S", 0.5)
    studio.engine("espeak-ng", instead=f'echo $$ > "{studio.log}"; exec sleep 60')
    spoken = await asyncio.wait_for(speak([HELLO], studio.sounds), 10)
    assert [problem.why for problem in spoken.problems] == [Trouble.TOO_SLOW]
    with pytest.raises(ProcessLookupError):
        os.kill(int(studio.heard()[0]), 0)


async def test_a_cancelled_run_leaves_no_process(studio: Studio) -> None:
    fifo = studio.log.with_name("started")
    os.mkfifo(fifo)
    studio.engine("espeak-ng", instead=f'echo $$ > "{fifo}"; exec sleep 60')
    running = asyncio.create_task(speak([HELLO], studio.sounds))
    pid = int(await asyncio.wait_for(asyncio.to_thread(fifo.read_text), 10))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, 10)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_where_no_engine_is_installed_the_problem_names_the_package(studio: Studio) -> None:
    spoken = await speak([HELLO], studio.sounds)
    assert "install the package espeak-ng" in str(spoken.problems[0])


async def test_where_sox_is_missing_the_problem_names_the_package(studio: Studio) -> None:
    studio.engine("espeak-ng", says=studio.tone)
    (studio.bin / "sox").unlink()
    assert "install the package sox" in str((await speak([HELLO], studio.sounds)).problems[0])


async def test_a_folder_that_cannot_be_written_is_an_error_of_the_whole_run(studio: Studio) -> None:
    studio.engine("espeak-ng", says=studio.tone)
    studio.sounds.write_text("a file stands where the folder should be")
    with pytest.raises(OSError, match="sounds"):
        await speak([HELLO, Prompt("Uno.", "it")], studio.sounds)


async def test_an_unspeakable_text_is_a_problem_and_the_others_are_made(studio: Studio) -> None:
    studio.engine("espeak-ng", says=studio.tone)
    spoken = await speak([Prompt("!", "it"), HELLO], studio.sounds)
    assert spoken.without_sound == {Prompt("!", "it")}
    assert HELLO in spoken.sounds


async def test_at_most_two_engines_run_at_once_and_progress_counts_each_prompt(studio: Studio) -> None:
    begin_end = f'echo begin >> "{studio.log}"; sleep 0.05; cp "{studio.tone}" "$6"; echo end >> "{studio.log}"'
    studio.engine("espeak-ng", instead=begin_end)
    counted: list[tuple[int, int]] = []
    prompts = [Prompt(f"Premi {n}.", "it") for n in range(6)]
    await speak(prompts, studio.sounds, progress=lambda done, of: counted.append((done, of)))
    assert counted == [(n, 6) for n in range(1, 7)]
    running = np.cumsum([{"begin": 1, "end": -1}.get(line, 0) for line in studio.heard()])
    assert running.max() == 2


async def test_prompts_are_listed_with_who_speaks_them_and_the_name_to_record_them_under(studio: Studio) -> None:
    studio.engine("espeak-ng", says=studio.tone)
    (studio.recorded / "it").mkdir(parents=True)
    shutil.copy(studio.tone, studio.recorded / "it" / "benvenuti-allo-055055.wav")
    spoken = await speak([HELLO, Prompt("Uno.", "it")], studio.sounds, recorded=studio.recorded)
    by_name = {line.name: line for line in voices.listed(spoken)}
    assert by_name["benvenuti-allo-055055"].by == "recorded"
    assert not by_name["benvenuti-allo-055055"].is_machine
    assert by_name["uno"].is_machine
    assert by_name["uno"].seconds > 0
