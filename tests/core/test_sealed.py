"""Recordings at rest: what is sealed opens with its key as it was, and whatever was done to it is told."""

import os
from pathlib import Path

import pytest

from centralino.instance import CannotKeep, Instance
from recordings import sealed
from recordings.files import NoSound, Shelf, is_there, remove, sound_of
from recordings.sealed import MAGIC, PIECE_BYTES, TAG_BYTES, CannotOpen, Keys, opened, seal, sealed_path

KEYS = Keys("k2", {"k1": b"1" * 32, "k2": b"2" * 32})
HEAD_BYTES = len(MAGIC) + 1 + 2 + 16


def put(folder: Path, sound: bytes, keys: Keys = KEYS) -> Path:
    """The sealed file."""
    plain = folder / "m.wav"
    plain.write_bytes(sound)
    seal(plain, keys)
    return sealed_path(plain)


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES])
def test_what_was_sealed_opens_as_it_was_and_nothing_plain_is_left(tmp_path: Path, size: int) -> None:
    sound = os.urandom(size)
    file = put(tmp_path, sound)
    assert [each.name for each in tmp_path.iterdir()] == ["m.wav.enc"]
    assert file.stat().st_mode & 0o077 == 0
    assert b"".join(opened(file, KEYS)) == sound
    assert size < 16 or sound[:16] not in file.read_bytes()


def test_two_files_of_the_same_sound_have_nothing_in_common(tmp_path: Path) -> None:
    first = put(tmp_path, bytes(1000)).read_bytes()
    second = put(tmp_path, bytes(1000)).read_bytes()
    assert first[HEAD_BYTES : HEAD_BYTES + 16] != second[HEAD_BYTES : HEAD_BYTES + 16]


def piece(n: int) -> slice:
    begins = HEAD_BYTES + n * (PIECE_BYTES + TAG_BYTES)
    return slice(begins, begins + PIECE_BYTES + TAG_BYTES)


def test_what_was_changed_cut_off_or_put_in_another_order_is_not_opened(tmp_path: Path) -> None:
    file = put(tmp_path, os.urandom(3 * PIECE_BYTES))
    whole = file.read_bytes()
    flipped = whole[:-1] + bytes([whole[-1] ^ 1])
    swapped = whole[:HEAD_BYTES] + whole[piece(1)] + whole[piece(0)] + whole[piece(2)]
    other_key = whole.replace(MAGIC + b"\2k2", MAGIC + b"\2k1")
    for broken in (flipped, swapped, whole[: piece(2).start], whole[:-100], whole + b"more", other_key):
        file.write_bytes(broken)
        with pytest.raises(CannotOpen, match=r"m.wav.enc was changed or cut off, or its key is another one"):
            b"".join(opened(file, KEYS))
    file.write_bytes(b"RIFF of somebody else")
    with pytest.raises(CannotOpen, match="is no recording of ours"):
        b"".join(opened(file, KEYS))


def test_an_older_key_opens_what_it_sealed_and_a_lost_one_is_named(tmp_path: Path) -> None:
    put(tmp_path, b"RIFF" + bytes(100), Keys("k1", {"k1": b"1" * 32}))
    assert sound_of(Shelf(tmp_path, lambda: KEYS), "m") == b"RIFF" + bytes(100)
    without = Shelf(tmp_path, lambda: Keys("k2", {"k2": b"2" * 32}))
    with pytest.raises(NoSound, match=r"encrypted with key k1, which is not in STATE/secrets.yaml"):
        sound_of(without, "m")


def test_a_crash_while_it_is_sealed_leaves_one_of_both_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, sound = tmp_path / "m.wav", os.urandom(2 * PIECE_BYTES)
    shelf = Shelf(tmp_path, lambda: KEYS)
    plain.write_bytes(sound)
    for at in ("fsync", "_sync_folder"):
        where = os if at == "fsync" else sealed

        def crash(_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as broken:
            broken.setattr(where, at, crash)
            with pytest.raises(KeyboardInterrupt):
                seal(plain, KEYS)
        assert plain.read_bytes() == sound
        assert sound_of(shelf, "m") == sound
    seal(plain, KEYS)
    assert sound_of(shelf, "m") == sound
    remove(tmp_path, "m")
    assert not is_there(tmp_path, "m")
    assert list(tmp_path.iterdir()) == []


def test_the_key_is_made_once_and_the_old_one_stays_when_there_is_a_new_one(tmp_path: Path) -> None:
    instance = Instance(tmp_path, tmp_path)
    first = instance.recording_keys()
    assert instance.recording_keys() == first
    new = instance.new_recording_key()
    keys = instance.recording_keys()
    assert (keys.in_use, set(keys.known)) == (new, {first.in_use, new})
    assert keys.known[first.in_use] == first.known[first.in_use]
    assert instance.secrets_file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "recordings", ["{in_use: a, keys: {a: '!'}}", "{in_use: a, keys: {a: AAAA}}", "{in_use: b, keys: {}}"]
)
def test_keys_that_are_none_are_an_error_with_its_place(tmp_path: Path, recordings: str) -> None:
    (tmp_path / "secrets.yaml").write_text(f"recordings: {recordings}\n")
    with pytest.raises(CannotKeep, match=r"secrets.yaml: .*`recordings`"):
        Instance(tmp_path, tmp_path).recording_keys()
