"""Configurations put in force: copies that nobody edits, the last ten of them, and what changed between two."""

import asyncio
import shutil
from pathlib import Path

import pytest

from agents.pins import hash_of
from centralino.door import CommandRefused
from centralino.instance import Instance
from centralino.releases import KEPT, Releases, difference, to_start_with
from centralino.reloading import Reloading
from centralino.settings import BrokenConfiguration, load
from tests.core.test_docs import ROOT


@pytest.fixture
def deployment(tmp_path: Path) -> Path:
    folder = tmp_path / "deployment"
    shutil.copytree(ROOT / "tests" / "asterisk" / "deployment", folder)
    return folder


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    (tmp_path / "configurations").mkdir()
    return Releases(tmp_path / "configurations")


def touch(deployment: Path, text: str) -> None:
    with (deployment / "queues.yaml").open("a") as queues:
        queues.write(f"# {text}\n")


def test_a_start_with_broken_yaml_goes_on_with_what_ran_last(deployment: Path, releases: Releases) -> None:
    configurations = deployment.parent / "configurations"
    assert to_start_with(deployment, configurations)[1:] == (deployment, "")
    (deployment / "queues.yaml").write_text("broken: [")
    with pytest.raises(BrokenConfiguration):
        to_start_with(deployment, configurations)
    shutil.copyfile(ROOT / "tests" / "asterisk" / "deployment" / "queues.yaml", deployment / "queues.yaml")
    release = releases.put_in_force(deployment, "ana")
    (deployment / "queues.yaml").write_text("broken: [")
    configuration, folder, told = to_start_with(deployment, configurations)
    assert (folder, "civile" in configuration.rules.queues) == (release.folder, True)
    assert "queues.yaml:2:1" in told
    assert "configuration 1, of " in told
    assert releases.put_in_force(folder, "run") == release, "nothing new is put in force"


def test_what_is_edited_later_has_no_effect_on_what_is_in_force(deployment: Path, releases: Releases) -> None:
    release = releases.put_in_force(deployment, "ana")
    (deployment / "queues.yaml").write_text("broken: [")
    assert load(release.folder).dialplans
    assert releases.current == release
    assert (release.number, release.by) == (1, "ana")


def test_the_same_again_is_no_new_release(deployment: Path, releases: Releases) -> None:
    assert releases.put_in_force(deployment, "ana") == releases.put_in_force(deployment, "bo")
    touch(deployment, "more")
    assert releases.put_in_force(deployment, "bo").number == 2


def test_only_the_last_ones_are_kept(deployment: Path, releases: Releases) -> None:
    for nth in range(KEPT + 3):
        touch(deployment, str(nth))
        releases.put_in_force(deployment, "ana")
    assert [release.number for release in releases.all()] == list(range(KEPT + 3, 3, -1))


def test_going_back_is_a_release_of_the_older_one(deployment: Path, releases: Releases) -> None:
    first = releases.put_in_force(deployment, "ana")
    touch(deployment, "more")
    releases.put_in_force(deployment, "ana")
    third = releases.put_in_force(first.folder, "bo")
    assert (third.number, difference(first.folder, third.folder)) == (3, "")


def test_the_difference_names_files_and_lines(deployment: Path, releases: Releases) -> None:
    first = releases.put_in_force(deployment, "ana")
    touch(deployment, "more")
    (deployment / "prompts" / "it").mkdir(parents=True)
    (deployment / "prompts" / "it" / "hello.wav").write_bytes(b"RIFF")
    text = difference(first.folder, deployment)
    assert "+# more" in text
    assert "prompts/it/hello.wav is new" in text
    assert "agents.yaml" not in text


def test_the_difference_shows_that_a_pin_is_another_one_and_nothing_of_its_hash(
    deployment: Path, releases: Releases
) -> None:
    first = releases.put_in_force(deployment, "ana")
    agents, hashed = deployment / "agents.yaml", hash_of("2345")
    agents.write_text(agents.read_text() + f'# ana: {{pin: "{hashed}", site: roma}}\n')
    text = difference(first.folder, deployment)
    assert '+# ana: {pin: "$argon2…", site: roma}' in text
    assert not any(part in text for part in hashed.split("$")[3:])


def test_a_reload_that_cannot_read_or_write_says_where_and_that_nothing_was_loaded(
    deployment: Path, tmp_path: Path
) -> None:
    now = load(deployment)
    (deployment / "dialplans" / "broken.yaml").symlink_to("/proc/self/mem")  # nobody can read that
    reloading = Reloading(Instance(deployment, tmp_path), lambda *_: None)
    with pytest.raises(CommandRefused, match=r"Input/output error.*\. Nothing was loaded\.$"):
        asyncio.run(reloading.prepare(deployment, "ana", now))
