"""Piper, a neural speech program that the deployment may name a voice for; it runs as a program of its own.

`voices: {it: {piper: prompts/voices/it_IT-paola-medium.onnx}}` in centralino.yaml; its `.onnx.json` stands beside it.
"""

import hashlib
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from centralino.deployment import ANY, SETTINGS, words
from centralino.forms.settings import VOICE_FILE
from centralino.located import Located, Problem, did_you_mean, read, shown
from centralino.speaking import Voice
from ivr.prompts import LANGUAGES

NAMED = ("voices", ANY, "piper")


def files_of(voice: Path) -> tuple[Path, Path]:
    """The two files of a voice: the model, and how it is spoken with."""
    return voice, voice.with_name(f"{voice.name}.json")


def files_named(folder: Path) -> list[Path]:
    """All files of the voices that the deployment in `folder` names; none where it cannot be read."""
    try:
        settings = read(SETTINGS, (folder / SETTINGS).read_bytes())
    except OSError:
        return []
    return [
        path
        for _, name in words(settings.data, NAMED)
        if re.fullmatch(VOICE_FILE, name)
        for path in files_of(folder / name)
    ]


def problems(settings: Located, folder: Path) -> Iterator[Problem]:
    """What is wrong with the voices that centralino.yaml, in `folder`, names."""
    for path, name in words(settings.data, NAMED):
        language = str(path[1])
        if language not in LANGUAGES:
            what = f"no number can speak {shown(language)}"
            yield settings.at_key(path[:2], what, did_you_mean(language, LANGUAGES))
        if not re.fullmatch(VOICE_FILE, name):
            continue  # that is said already
        missing = next((file for file in files_of(folder / name) if not _can_be_read(file)), None)
        if missing:
            what = f"there is no file {shown(missing.relative_to(folder))} that can be read"
            yield settings.at(path, what, "a voice is two files, `NAME.onnx` and `NAME.onnx.json` beside it")
        elif shutil.which("piper") is None:
            what = "piper is not installed here: another voice speaks instead"
            yield replace(settings.at(path, what, "install it: `pip install piper-tts`"), is_warning=True)


def _can_be_read(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return bool(opened.read(1))
    except OSError:
        return False


def voices_of(named: Mapping[str, str], folder: Path) -> dict[str, Voice]:
    """By language, the voices that the deployment in `folder` names, as far as they are there.

    A voice is told from others by its content, not by its time: what runs is a copy, and its times are its own. Reads
    large files, so call it in a thread.
    """
    models = {language: folder / name for language, name in named.items()}
    there = {language: model for language, model in models.items() if all(map(_can_be_read, files_of(model)))}
    return {language: _voice(model) for language, model in there.items()}


def _voice(model: Path) -> Voice:
    digests = [_digest(file, file.stat().st_size, file.stat().st_mtime_ns) for file in files_of(model)]
    return Voice("piper", " ".join((model.stem, *digests)), model=model)


@lru_cache(maxsize=64)  # a model has 20 to 120 MB
def _digest(file: Path, size_bytes: int, changed_ns: int) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()[:20]
