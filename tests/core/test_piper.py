"""Piper's voices: named in centralino.yaml, checked, copied with the rest, and spoken with before all other engines.

No voice of piper's ships, so a stand-in program speaks here, by espeak-ng. It takes what piper-tts 1.8.0 was seen to
take (`--model FILE --output_file WAV`, one line on standard input, `FILE.json` beside the model), and nothing else.
"""

import os
import shutil
from pathlib import Path

import pytest

from centralino import piper, speaking, voices
from centralino.instance import Instance
from centralino.releases import Releases, difference
from centralino.settings import examine, load
from centralino.speaking import Spoken, Trouble, speak
from ivr.prompts import Prompt
from tests.core.test_settings import SMALL

VOICE = "prompts/voices/it_IT-ada-medium.onnx"
HELLO, PRESS = Prompt("Benvenuti.", "it"), Prompt("Press 1.", "en")
PIPER = """\
#!/bin/sh
test "$1 $3 $#" = "--model --output_file 4" && test -s "$2" && test -s "$2.json" || exit 2
read -r text
echo "$2 $text" >> {log}
{instead}
echo "$text" | exec espeak-ng -v it --stdin -w "$4"
"""


class Deployment:
    """A small one whose Italian is spoken by a voice of piper's, and a machine on which there is a piper."""

    def __init__(self, root: Path) -> None:
        self.folder, self.bin, self.log, self.sounds = root / "config", root / "bin", root / "log", root / "sounds"
        (self.folder / "dialplans").mkdir(parents=True)
        for name, text in SMALL.items():
            (self.folder / name).write_text(text)
        self.settings(f"voices: {{it: {{piper: {VOICE}}}}}\n")
        self.voice = self.folder / VOICE
        self.voice.parent.mkdir(parents=True)
        self.voice.write_text("a model")
        self.voice.with_name(f"{self.voice.name}.json").write_text("{}")
        self.bin.mkdir()
        self.log.touch()
        self.install()

    def settings(self, more: str) -> None:
        (self.folder / "centralino.yaml").write_text(SMALL["centralino.yaml"] + more)

    def install(self, instead: str = "") -> None:
        (self.bin / "piper").write_text(PIPER.format(log=self.log, instead=instead))
        (self.bin / "piper").chmod(0o755)

    def told(self) -> list[str]:
        """What is wrong, without hints."""
        return [str(problem).partition("\n")[0] for problem in examine(self.folder)[1]]

    def heard(self) -> list[str]:
        """What piper was asked to say."""
        return [line.partition(" ")[2] for line in self.log.read_text().splitlines()]

    async def speak(self, *prompts: Prompt, folder: Path | None = None) -> Spoken:
        return await speak(prompts, self.sounds, named=piper.voices_of({"it": VOICE}, folder or self.folder))


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    made = Deployment(tmp_path)
    monkeypatch.setenv("PATH", f"{made.bin}:{os.environ['PATH']}")
    return made


# --- what an admin is told


def test_a_voice_that_is_there_is_no_problem(deployment: Deployment) -> None:
    assert deployment.told() == []
    assert load(deployment.folder).settings.piper_voices == {"it": VOICE}


@pytest.mark.parametrize("missing", [VOICE, f"{VOICE}.json"])
def test_a_voice_lacking_one_of_its_files_is_told_with_its_place(deployment: Deployment, missing: str) -> None:
    (deployment.folder / missing).unlink()
    assert deployment.told() == [f"centralino.yaml:6:22: there is no file `{missing}` that can be read"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("voices: {it: {piper: ../voice.onnx}}", "6:22: `../voice.onnx` names no voice of piper's"),
        ("voices: {it: {piper: /srv/voice.onnx}}", "6:22: `/srv/voice.onnx` names no voice of piper's"),
        ("voices: {it: {piper: prompts/../../voice.onnx}}", "6:22: `prompts/../../voice.onnx` names no voice"),
        ("voices: {it: {piper: prompts/voices/ada}}", "6:22: `prompts/voices/ada` names no voice of piper's"),
        ("voices: {it: {}}", "6:10: `piper` is missing"),
        (f"voices: {{ti: {{piper: {VOICE}}}}}", "6:10: no number can speak `ti`"),
    ],
)
def test_a_mistake_in_voices_is_told_once_at_its_place(deployment: Deployment, line: str, problem: str) -> None:
    deployment.settings(f"{line}\n")
    said = deployment.told()
    assert len(said) == 1
    assert said[0].startswith(f"centralino.yaml:{problem}")


def test_where_piper_is_not_installed_that_is_a_warning(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(deployment.folder))
    assert deployment.told() == [
        "centralino.yaml:6:22: warning: piper is not installed here: another voice speaks instead"
    ]
    assert load(deployment.folder)


# --- who speaks


async def test_the_named_voice_speaks_its_language_and_no_other(deployment: Deployment) -> None:
    spoken = await deployment.speak(HELLO, PRESS)
    assert (spoken.sounds[HELLO].engine, spoken.problems) == ("piper", [])
    assert spoken.sounds[PRESS].engine != "piper"
    assert deployment.log.read_text() == f"{deployment.voice} Benvenuti.\n"


async def test_a_recording_by_a_person_comes_before_it(deployment: Deployment) -> None:
    made = (await deployment.speak(HELLO)).sounds[HELLO]
    recorded = deployment.folder / "prompts" / "it" / "benvenuti.wav"
    recorded.parent.mkdir()
    raw = ["sox", "-t", "raw", "-r", "16000", "-e", "signed", "-b", "16", "-c", "1", f"{made.path}.sln16"]
    await speaking._run([*raw, str(recorded)])
    prepared = await voices.prepare(load(deployment.folder), deployment.folder, deployment.sounds)
    assert prepared.sounds[HELLO].engine == "recorded"
    assert prepared.sounds[Prompt("Premi 1.", "it")].engine == "piper"


@pytest.mark.parametrize("changed", [VOICE, f"{VOICE}.json"])
async def test_another_voice_under_the_old_name_speaks_anew(deployment: Deployment, changed: str) -> None:
    await deployment.speak(HELLO)
    (deployment.folder / changed).write_text("another")
    assert (await deployment.speak(HELLO)).made == 1
    assert deployment.heard() == ["Benvenuti.", "Benvenuti."]


async def test_what_is_made_is_used_where_piper_is_no_longer_installed(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    await deployment.speak(HELLO)
    (deployment.bin / "piper").unlink()
    again = await deployment.speak(HELLO)
    assert (again.made, again.sounds[HELLO].engine) == (0, "piper")
    elsewhere = await deployment.speak(Prompt("Arrivederci.", "it"))
    assert elsewhere.sounds[Prompt("Arrivederci.", "it")].engine != "piper"


async def test_a_piper_that_fails_is_a_problem_and_the_next_voice_speaks(deployment: Deployment) -> None:
    deployment.install(instead="echo no memory >&2; exit 1")
    spoken = await deployment.speak(HELLO)
    assert spoken.sounds[HELLO].engine != "piper"
    [problem] = spoken.problems
    assert problem.why is Trouble.FAILED
    assert "piper it_IT-ada-medium" in str(problem)
    assert "piper ended with 1: no memory" in str(problem)


async def test_a_piper_that_hangs_is_ended_and_the_next_voice_speaks(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaking, "DEADLINE_S", 3.0)
    deployment.install(instead="exec sleep 60")
    spoken = await deployment.speak(HELLO)
    assert [problem.why for problem in spoken.problems] == [Trouble.TOO_SLOW]
    assert spoken.sounds[HELLO].engine != "piper"


async def test_a_piper_that_never_works_is_asked_a_few_times_and_then_holds_up_nothing(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaking, "PROCESSES_MAX", 1)
    deployment.install(instead="exit 1")
    prompts = [Prompt(f"Premi {n}.", "it") for n in range(speaking.FAILURES_MAX + 2)]
    spoken = await deployment.speak(*prompts)
    assert len(deployment.heard()) == len(spoken.problems) == speaking.FAILURES_MAX
    assert spoken.sounds.keys() == set(prompts)


# --- what runs is a copy


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    (tmp_path / "state" / "configurations").mkdir(parents=True)
    return Releases(tmp_path / "state" / "configurations")


async def test_the_copy_that_runs_has_the_voice_and_says_the_same(deployment: Deployment, releases: Releases) -> None:
    release = releases.put_in_force(deployment.folder, "ana")
    made = await voices.prepare(load(deployment.folder), deployment.folder, deployment.sounds)
    shutil.rmtree(deployment.folder)
    again = await voices.prepare(load(release.folder), release.folder, deployment.sounds)
    assert (again.made, again.sounds) == (0, made.sounds)


def test_a_voice_that_stays_is_kept_once_and_one_that_changes_is_another_release(
    deployment: Deployment, releases: Releases
) -> None:
    first = releases.put_in_force(deployment.folder, "ana")
    deployment.settings(f"voices: {{it: {{piper: {VOICE}}}}}  # edited\n")
    second = releases.put_in_force(deployment.folder, "ana")
    assert (first.folder / VOICE).samefile(second.folder / VOICE)
    assert not (first.folder / VOICE).samefile(deployment.voice), "editing has no effect on what runs"
    deployment.voice.write_text("another model")
    assert difference(second.folder, deployment.folder) == f"{VOICE} is another one\n"
    third = releases.put_in_force(deployment.folder, "ana")
    assert (third.number, (third.folder / VOICE).read_text()) == (3, "another model")
    assert (second.folder / VOICE).read_text() == "a model"


async def test_a_running_engine_speaks_with_the_voice_of_the_configuration_in_force(
    deployment: Deployment, releases: Releases, tmp_path: Path
) -> None:
    deployment.settings("")
    releases.put_in_force(deployment.folder, "ana")
    instance = Instance(tmp_path / "state" / "configurations" / "current", tmp_path / "state")
    speaker = voices.Speaker(Spoken(), load(instance.config), instance, lambda: None)
    assert await speaker.make_ready([HELLO], tmp_path) == []
    deployment.settings(f"voices: {{it: {{piper: {VOICE}}}}}\n")
    releases.put_in_force(deployment.folder, "ana")
    speaker.adopt(load(instance.config))
    assert deployment.heard() == []
    assert await speaker.make_ready([HELLO], tmp_path) == []
    assert deployment.log.read_text() == f"{instance.config / VOICE} Benvenuti.\n"
