"""YAML with places."""

import pytest

from centralino.located import SIZE_BYTES_MAX, Problem, read


def problems(text):
    content = text if isinstance(text, bytes) else text.encode()
    return [str(problem).splitlines()[0].removeprefix("f.yaml:") for problem in read("f.yaml", content).problems]


def test_words_stay_words_as_yaml_1_2_has_it():
    text = "a: 12:30\nb: no\nc: 09:00\nd: 0123\ne: 2026-01-01\nf: +39021234\ng: 06-24\nh: 80%\ni: 1_000\nj: 0x1f\n"
    data = read("f.yaml", text.encode()).data
    assert list(data.values()) == [
        "12:30",
        "no",
        "09:00",
        "0123",
        "2026-01-01",
        "+39021234",
        "06-24",
        "80%",
        "1_000",
        "0x1f",
    ]


@pytest.mark.parametrize("text", [r'a: "C:\qui"', r'a: "\ud800"'])
def test_a_backslash_that_means_nothing_is_told_with_its_cure(text):
    [problem] = read("f.yaml", text.encode()).problems
    assert problem.hint == r"write `\\` for `\`, or put the text in single quotes"


def test_numbers_and_truths_are_read_and_quotes_keep_them_words():
    data = read("f.yaml", b"a: 5\nb: -1.5\nc: true\nd: False\ne: '5'\nf: \"true\"\n").data
    assert data == {"a": 5, "b": -1.5, "c": True, "d": False, "e": "5", "f": "true"}


def test_places_are_those_of_values_and_keys():
    located = read("f.yaml", "a:\n  perché: [x, {y: 1}]\n".encode())
    assert located.at(("a", "perché", 1, "y"), "wrong", "cure") == Problem("f.yaml", 2, 19, "wrong", "cure")
    assert located.at_key(("a", "perché"), "wrong") == Problem("f.yaml", 2, 3, "wrong")
    assert located.at(("a", "perché", 7, "z"), "wrong").col == 11  # the nearest around it


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["1:1: the file is empty"]),
        ("# nothing\n", ["1:1: the file is empty"]),
        ("- a\n", ["1:1: the file must be a table of keys"]),
        ("a: 1\nb: 2\na: 3\n", ["3:1: `a` stands here twice"]),
        ("a: 1\na: 2\nc: {d: 1, d: 2}\n", ["2:1: `a` stands here twice", "3:11: `d` stands here twice"]),
        ("keys: {1: taxes}\n", ["1:8: key `1` is not in quotes"]),
        ("true: 1\n", ["1:1: key `true` is not in quotes"]),
        ("a:\n", ["1:3: the value is missing"]),
        ("a: &x [*x]\n", ["1:8: an alias stands within what it repeats"]),
        ("x: &x {p: 1}\ny:\n  <<: *x\n", ["3:3: merge keys (`<<`) are not part of YAML 1.2"]),
        ("a: !!python/object:os.system {}\n", ["1:4: tag `python/object:os.system` means nothing here"]),
        ("a: !mine 1\n", ["1:4: tag `!mine` means nothing here"]),
        ("? [a]\n: b\n", ["1:3: a key must be a word"]),
        ("a: 1\n---\nb: 2\n", ["2:1: but found another document"]),
        ("a: {b: 1\nc: 2\n", ["1:4: did not find expected ',' or '}'"]),
        ('b: 1\na: "x\nc: 2\n', ["2:4: found unexpected end of stream"]),
        ("a: [*x]\n", ["1:5: found undefined alias 'x'"]),
        ("a: x\x00y\n", ["1:5: character U+0000 does not belong into a text"]),
        (b"a: 1\nb: \xff\n", ["2:4: the file is not UTF-8"]),
        ("a: x: y\n", ["1:5: mapping values are not allowed in this context"]),
        ("a: " + "[" * 5000, ["1:43: this is nested too deep"]),
        (b"a: 1\n" + b"#" * SIZE_BYTES_MAX, ["1:1: the file is too big (1.0 MB)"]),
    ],
)
def test_what_cannot_be_read_names_its_place(text, expected):
    assert problems(text) == expected


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("keys:\n  *: x\n", 'write `*` in quotes: `"*"`'),
        ('keys: {"1": a, #: b}\n', "close it with `}` or `]`, and write `#` in quotes"),
        ("keys: {1: taxes}\n", 'write `"1"`'),
        ("\ta: 1\n", "indent with spaces, not with a tab"),
        ("a: 1\nb: 2\na: 3\n", "the first is in line 1"),
    ],
)
def test_what_cannot_be_read_names_its_cure(text, hint):
    assert read("f.yaml", text.encode()).problems[0].hint == hint


def test_aliases_of_aliases_do_not_fill_the_memory():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    located = read("f.yaml", "\n".join(lines).encode())
    assert [problem.what for problem in located.problems] == ["aliases make this file too big"]
    assert not located.readable  # so that nothing is said of what is in it


def test_an_alias_repeats_a_value():
    located = read("f.yaml", b"a: &x {p: 1}\nb: *x\n*x : 2\nc: [*x, &y z, *y]\n")
    assert located.data == {"a": {"p": 1}, "b": {"p": 1}, "c": [{"p": 1}, "z", "z"]}
    assert [located.at(path, "").col for path in (("b", "p"), ("c", 0, "p"), ("c", 2))] == [4, 5, 15]
