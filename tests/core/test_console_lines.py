"""What a line on the console means, and how a line is typed: plain functions."""

import pytest

from centralino.options import by_whom
from console import words
from console.editor import Editor, Ended, Event, Interrupted, Offered, Typed
from console.talk import Person, name_of
from console.words import COMMANDS, LINE_LENGTH_MAX, Completion, Leave, Nothing, Refuse, Run, Say, meaning

# --- what a line means


def test_a_line_is_split_into_words_and_no_shell_ever_sees_it() -> None:
    meant = meaning("emergency on 055055 --say 'Città chiusa; $(reboot) > x' --open")
    assert meant == Run(("emergency", "on", "055055", "--say", "Città chiusa; $(reboot) > x", "--open"), words.SLOW_S)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_listed_command_is_let_through(name: str) -> None:
    assert isinstance(meaning(name), Run)
    assert meaning(f"help {name}") == Run((name, "--help"), meaning(name).within_s)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "name", ["run", "engine", "desk", "token", "phone", "prompts", "demo", "--help", "-m", "RELOAD"]
)
def test_what_starts_something_or_makes_a_secret_is_not_there(name: str) -> None:
    meant = meaning(f"{name} --role admin")
    assert isinstance(meant, Refuse)
    assert "no such command" in meant.text


@pytest.mark.parametrize(
    "line", ["status --state /tmp", "status --state=/tmp", "check --config=/etc", "reload --config x"]
)
def test_nobody_points_a_command_at_another_installation(line: str) -> None:
    meant = meaning(line)
    assert isinstance(meant, Refuse)
    assert "cannot be chosen here" in meant.text


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('why "c1', "a quote is not closed"),
        ("why c1\\", "a backslash at the end means nothing"),
        ("why \x00", "this line holds characters that nobody can type"),
        ("why \x1b[2J", "this line holds characters that nobody can type"),
        ("x" * (LINE_LENGTH_MAX + 1), "a line holds at most 4096 characters; nothing was done"),
        ("relaod", "there is no such command; did you mean reload?; help lists them"),
        ("help relaod", "there is no such command; did you mean reload?; help lists them"),
    ],
)
def test_a_bad_line_is_refused_with_a_reason(line: str, why: str) -> None:
    assert meaning(line) == Refuse(why)


def test_what_is_refused_never_repeats_what_was_typed() -> None:
    meant = meaning("hunter2-my-secret")
    assert isinstance(meant, Refuse)
    assert "hunter2" not in meant.text


@pytest.mark.parametrize("line", ["voicemail c1 listen --to /etc/x", "voicemail c1 claim --to=x"])
def test_no_message_is_written_into_a_file_from_here(line: str) -> None:
    meant = meaning(line)
    assert isinstance(meant, Refuse)
    assert "none is made from here" in meant.text
    assert isinstance(meaning("voicemail c1 done --how called-back"), Run)


def test_leaving_help_and_empty_lines() -> None:
    assert meaning("exit") == meaning("quit") == meaning("logout") == Leave()
    assert meaning("  ") == Nothing()
    overview = meaning("help")
    assert isinstance(overview, Say)
    assert all(name in overview.text for name in COMMANDS)


def test_the_log_holds_the_words_but_no_callers_number_and_no_code() -> None:
    said = ("try", "055055", "--from", "+39055123", "--press=1,4711#", "--at", "2026-11-24T10:00")
    noted = ("transfer", "c1", "--to", "city/x", "--note", "Signora Rossi")
    assert words.for_the_log(noted) == "transfer c1 --to city/x --note '…'"
    case = ("case", "10000426", "hand-over", "Signora Rossi", "--to", "city/x", "--title=Rossi", "--title", "Rossi")
    assert words.for_the_log(case) == "case 10000426 hand-over '…' --to city/x '--title=…' --title '…'"
    letter = ("take-in", "My lamp", "--channel", "letter", "--name", "Rossi", "--phone=+39055123", "--entity=city")
    assert words.for_the_log(letter) == "take-in '…' --channel letter --name '…' '--phone=…' --entity=city"
    assert words.for_the_log(said) == "try 055055 --from '…' '--press=…' --at 2026-11-24T10:00"


@pytest.mark.parametrize(
    ("before", "found"),
    [
        ("relo", Completion("ad ")),
        ("a", Completion("", ("agents", "audit"))),
        ("re", Completion("", ("reload", "report"))),
        ("", Completion("", tuple(sorted((*COMMANDS, "exit", "help"))))),
        ("agents ", Completion("", ("extend", "in", "out", "pause", "ready", "reset"))),
        ("agents p", Completion("ause ")),
        ("emergency o", Completion("", ("off", "on"))),
        ("emergency of", Completion("f ")),
        ("why c", Completion()),
        ("status --", Completion()),
        ("xyz", Completion()),
    ],
)
def test_tab_completes_the_names_of_commands(before: str, found: Completion) -> None:
    assert words.completion(before) == found


# --- who


@pytest.mark.parametrize(
    ("comment", "user", "name"),
    [
        ("anna@laptop", "root", "anna@laptop"),
        ("", "anna", "anna"),
        ("a\x1b[2J\nb", "x", "a[2Jb"),
        ("", "\x00", "nameless"),
    ],
)
def test_the_comment_of_the_key_names_who_it_is(comment: str, user: str, name: str) -> None:
    assert name_of(comment, user) == name
    assert len(name_of("x" * 500, "")) <= 32
    assert str(Person("anna", "192.0.2.1")) == "anna (console 192.0.2.1)"


# --- typing


def typed(keys: str, editor: Editor | None = None) -> list[Event]:
    editor = editor or Editor("> ", words.completion)
    return [event for key in keys if (event := editor.key(key))]


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ("status\r", "status"),
        ("città è\r", "città è"),
        ("sttus\x1b[D\x1b[D\x1b[Da\r", "status"),
        ("tatus\x01s\r", "status"),
        ("tatus\x1b[Hs\x1b[F!\r", "status!"),
        ("statuss\x7f\r", "status"),
        ("xstatus\x01\x1b[3~\r", "status"),
        ("one two three\x17\x17\r", "one "),
        ("all of it\x15why\r", "why"),
        ("why c1\x02\x02\x0b\r", "why "),
        ("\x7f\x1b[D\x04a\r", None),  # Ctrl-D on nothing comes first
        ("relo\t\r", "reload "),
        ("a\x1b[1;5Cb\x1b[99~c\x1bOHd\r", "dabc"),  # unknown sequences are passed over
        ("a\x1b[" + "1" * 100 + "b\r", None),
        ("\x00\x07a\x9bb\r", "ab"),
    ],
)
def test_keys_edit_the_line(keys: str, line: str | None) -> None:
    events = typed(keys)
    if line is not None:
        assert events == [Typed(line)]


def test_a_line_end_of_two_characters_is_one() -> None:
    assert typed("a\r\nb\r\n\n") == [Typed("a"), Typed("b"), Typed("")]


def test_the_arrows_bring_back_what_was_typed_before() -> None:
    editor = Editor("> ", words.completion)
    assert typed("one\rtwo\rtwo\r", editor)[-1] == Typed("two")
    assert typed("\x1b[A\x1b[A\r", editor) == [Typed("one")]  # the same twice is kept once
    assert typed("\x1b[A\x1b[A\x1b[B\x1b[B\x1b[B\r", editor) == [Typed("")]


def test_control_c_gives_the_line_up_and_control_d_leaves() -> None:
    assert typed("stat\x03\x04") == [Interrupted(), Ended()]
    assert typed("stat\x04\r") == [Typed("stat")]


def test_tab_shows_what_could_be_meant() -> None:
    assert typed("a\t") == [Offered(("agents", "audit"))]


def test_an_endless_line_is_cut_and_told() -> None:
    (event,) = typed("x" * 100_000 + "\r")
    assert event == Typed("x" * LINE_LENGTH_MAX, was_cut=True)


def test_the_screen_shows_the_line_with_the_cursor_in_view() -> None:
    editor = Editor("> ", words.completion)
    typed("why c1\x1b[D", editor)
    assert editor.drawn() == "\r\x1b[K> why c1\x1b[1D"
    editor.width = 20
    typed("\x05" + "0123456789" * 3, editor)
    assert editor.drawn() == "\r\x1b[K> " + ("0123456789" * 3)[-17:]
    typed("\x15漢字漢字漢字漢字漢字", editor)
    assert editor.drawn() == "\r\x1b[K> " + "漢字" * 4  # two columns each


# --- the record


@pytest.mark.parametrize(
    ("named", "said"),
    [("anna (console 192.0.2.1)", "anna (console 192.0.2.1)"), ("a\nb\x1b", "a b"), ("x" * 99, "x" * 64)],
)
def test_the_command_line_names_who_the_console_says(named: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CENTRALINO_BY", named)
    assert by_whom() == said
    monkeypatch.delenv("CENTRALINO_BY")
    assert by_whom().endswith(" (cli)")
