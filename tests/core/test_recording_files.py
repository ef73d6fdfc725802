"""How long a message is, by its file: also one that Asterisk has not closed, since it died or still writes."""

import struct
from pathlib import Path

import pytest

from recordings.files import length_s, path_of

RATE_BYTES = 16_000  # 8 kHz, 16 bit, one channel


def wav(folder: Path, name: str, seconds: float, *, closed: bool) -> None:
    data = b"\0" * int(seconds * RATE_BYTES)
    sizes = (36 + len(data), len(data)) if closed else (0, 0)
    fmt = struct.pack("<IHHIIHH", 16, 1, 1, RATE_BYTES // 2, RATE_BYTES, 2, 16)
    header = b"RIFF" + struct.pack("<I", sizes[0]) + b"WAVEfmt " + fmt + b"data" + struct.pack("<I", sizes[1])
    (folder / f"{name}.wav").write_bytes(header + data)


@pytest.mark.parametrize("closed", [True, False])
def test_a_message_is_as_long_as_its_file_whether_or_not_it_was_closed(tmp_path: Path, closed: bool) -> None:
    wav(tmp_path, "m", 4.0, closed=closed)
    assert length_s(tmp_path, "m") == 4.0


def test_a_message_just_begun_or_not_there_is_empty(tmp_path: Path) -> None:
    (tmp_path / "begun.wav").write_bytes(b"RIFF")
    assert (length_s(tmp_path, "begun"), length_s(tmp_path, "none")) == (0.0, 0.0)


def test_a_file_that_is_no_recording_is_empty_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "text.wav").write_text("x" * 100)
    assert length_s(tmp_path, "text") == 0.0
    assert "text.wav is no recording" in caplog.text


def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no name of a recording"):
        path_of(tmp_path, "../secrets")
