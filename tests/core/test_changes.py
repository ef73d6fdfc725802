"""A change of configuration from the page and the API: seen first, then done, whole or not at all; by no other site."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from centralino.changes import SHOWN_CHARACTERS_MAX, fit_to_show
from centralino.door import CommandRefused
from centralino.releases import Releases, difference
from centralino.settings import BrokenConfiguration, load
from tests.core.test_docs import ROOT
from tests.core.test_web import House, serving
from web.guards import BODY_BYTES_MAX
from web.texts import LANGUAGES, Texts
from web.tokens import Role


class Installation(House):
    """A desk, and an engine of which only the configuration is real."""

    deployment: Path
    releases: Releases
    asked: list[dict[str, Any]]

    def load(self, args: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(args)
        before = self.releases.current
        assert before
        try:
            load(Path(args["folder"]))
        except BrokenConfiguration as broken:
            raise CommandRefused(str(broken)) from broken
        changed = difference(before.folder, Path(args["folder"]))
        number = self.releases.put_in_force(Path(args["folder"]), args["by"]).number
        return {"release": number if changed else None, "difference": changed}

    def go_back(self, args: dict[str, Any]) -> dict[str, Any]:
        release = self.releases.get(args["number"])
        assert release
        return self.load({**args, "folder": str(release.folder)})

    def write(self, text: str, file: str = "queues.yaml") -> None:
        with (self.deployment / file).open("a") as written:
            written.write(text)

    @property
    def in_force(self) -> int:
        assert self.releases.current
        return self.releases.current.number

    @property
    def origin(self) -> str:
        return str(self.web.base_url).rstrip("/")

    async def post(self, what: str, body: Any = None, **headers: str) -> httpx.Response:
        """As the page's script does it in a browser; `headers` (`sec_fetch_site`) instead of the browser's."""
        sent = {"origin": self.origin, "sec-fetch-site": "same-origin"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.web.post(f"/configuration/{what}?lang=en", json=body or {}, headers=sent)

    async def get(self, what: str) -> dict[str, Any]:
        answer = await self.web.get(f"/configuration{what}?lang=en")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Installation]:
    (tmp_path / "configurations").mkdir()
    shutil.copytree(ROOT / "tests" / "asterisk" / "deployment", tmp_path / "deployment")
    releases = Releases(tmp_path / "configurations")
    releases.put_in_force(tmp_path / "deployment", "run")
    async with serving(tmp_path) as house:
        house.__class__ = Installation
        assert isinstance(house, Installation)
        house.deployment, house.releases, house.asked = tmp_path / "deployment", releases, []
        house.commands = {"configuration.load": house.load, "configuration.back": house.go_back}
        yield house


# --- seeing and doing


async def test_the_page_says_which_configuration_is_in_force(desk: Installation) -> None:
    page = (await desk.web.get("/?lang=en")).text
    assert "Configuration 1, in force since" in page
    assert "at a start" in page
    assert "Reload the YAML" in page
    assert "Ricarica la configurazione" in (await desk.web.get("/?lang=it")).text


async def test_what_would_change_is_shown_first_and_then_done(desk: Installation) -> None:
    desk.write("# more\n")
    look = await desk.get("/reload")
    assert (look["may"], [problem.split(": ")[1] for problem in look["problems"]]) == (True, ["warning"])
    assert "+# more" in look["difference"]
    assert desk.in_force == 1  # looking changes nothing
    done = (await desk.post("reload", {"seen": look["seen"]})).json()
    assert done["said"] == "Configuration 2 is in force."
    assert "+# more" in done["difference"]
    now = (await desk.get(""))["in_force"]
    assert now.startswith("Configuration 2, in force since")
    assert "from the page (127.0.0.1:" in now


async def test_all_problems_are_shown_with_places_and_hints_and_nothing_is_loaded(desk: Installation) -> None:
    places = []
    for file, mistake in (("agents.yaml", "agent: {}\n"), ("queues.yaml", "quues: {}\n")):
        places.append(f"{file}:{len((desk.deployment / file).read_text().splitlines()) + 1}:1")
        desk.write(mistake, file)
    look = await desk.get("/reload")
    assert not look["may"]
    assert [problem.partition(": ")[0] for problem in look["problems"][:2]] == places
    assert "hint: did you mean `queues`?" in look["problems"][1]
    refused = await desk.post("reload")
    assert refused.status_code == 409
    assert "hint: did you mean `queues`?" in refused.json()["error"]
    assert desk.in_force == 1


async def test_what_needs_a_start_is_told_before_anything_is_tried(desk: Installation) -> None:
    desk.write('web: {listen: "127.0.0.1:9999"}\n', "centralino.yaml")
    look = await desk.get("/reload")
    assert not look["may"]
    assert look["problems"][1:] == ["centralino.yaml: web port can only change with a restart. Nothing was loaded."]


async def test_going_back_shows_what_it_would_change_and_does_it(desk: Installation) -> None:
    desk.write("# more\n")
    await desk.post("reload")
    look = await desk.get("/rollback")
    assert (look["number"], look["may"]) == (1, True)
    assert "-# more" in look["difference"]
    await desk.post("rollback", {"number": 1, "seen": look["seen"]})
    assert desk.in_force == 3
    assert (await desk.get("/rollback"))["number"] == 2


async def test_with_nothing_to_go_back_to_the_page_says_so(desk: Installation) -> None:
    assert (await desk.get(""))["can_go_back"] is False
    answer = await desk.web.get("/configuration/rollback")
    assert (answer.status_code, answer.json()["error"]) == (
        409,
        "there is no configuration before this one to go back to; kept: none",
    )


async def test_nobody_confirms_what_they_have_not_seen(desk: Installation) -> None:
    seen = (await desk.get("/reload"))["seen"]
    desk.write("# written after the look\n")
    refused = await desk.post("reload", {"seen": seen})
    assert (refused.status_code, desk.in_force) == (409, 1)
    assert "look again" in refused.json()["error"]


async def test_the_same_again_changes_nothing(desk: Installation) -> None:
    look = await desk.get("/reload")
    assert (look["may"], look["title"]) == (False, "Nothing changes: it is in force already.")


async def test_the_record_names_the_page_and_where_it_was_asked_from(desk: Installation) -> None:
    desk.write("# more\n")
    await desk.post("reload")
    assert desk.asked[0]["by"].startswith("page (127.0.0.1:")
    assert desk.asked[0]["folder"] == str(desk.deployment)


async def test_a_broken_character_or_a_missing_folder_is_a_problem_and_no_failure(desk: Installation) -> None:
    (desk.deployment / "queues.yaml").write_bytes(b"queues: \xff\xfe")
    assert (await desk.get("/reload"))["problems"][0].startswith("queues.yaml:1:")
    shutil.rmtree(desk.deployment)
    assert "there is no such folder" in (await desk.get("/reload"))["problems"][0]


async def test_without_the_engine_looking_works_and_loading_says_so(desk: Installation) -> None:
    desk.write("# more\n")
    await desk.door.close()
    await desk.until(503)
    assert (await desk.get("/reload"))["may"] is True
    answer = await desk.post("reload")
    assert answer.status_code == 503
    assert "engine" in answer.json()["error"]


def test_passwords_are_hidden_and_endless_changes_are_cut() -> None:
    hidden = fit_to_show("+database: postgresql://ana:s3cret@db/centralino")
    assert hidden == "+database: postgresql://ana:…@db/centralino"
    assert len(fit_to_show("x" * 2 * SHOWN_CHARACTERS_MAX)) < SHOWN_CHARACTERS_MAX + 100


# --- other sites


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"origin": "http://127.0.0.1:1"}, 403),  # another port of this machine is another site
        ({"origin": "https://127.0.0.1"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"sec_fetch_site": "none"}, 403),
        ({"content_type": "text/plain"}, 415),
        ({"content_type": "application/x-www-form-urlencoded"}, 415),
        ({"content_type": "multipart/form-data; boundary=x"}, 415),
        ({"x_forwarded_for": "203.0.113.7"}, 403),  # not this machine
    ],
)
async def test_no_other_site_can_have_a_configuration_loaded(
    desk: Installation, headers: dict[str, str], status: int
) -> None:
    desk.write("# more\n")
    for what in ("reload", "rollback"):
        answered = (await desk.post(what, **headers)).status_code
        assert answered == status or (status == 415 and answered == 422)  # which of them sees it first
    assert (desk.in_force, desk.asked) == (1, [])


async def test_no_other_site_can_make_the_desk_look(desk: Installation) -> None:
    for path in ("", "/reload", "/rollback"):
        answer = await desk.web.get(f"/configuration{path}", headers={"sec-fetch-site": "cross-site"})
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers


async def test_an_endless_body_is_refused_before_anything_reads_it(desk: Installation) -> None:
    for path in ("/configuration/reload", "/api/v1/configuration/reload"):
        body = b'{"seen": "' + b"x" * BODY_BYTES_MAX + b'"}'
        answer = await desk.web.post(path, content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 413


# --- the API


async def test_the_api_lets_admins_change_supervisors_look_and_nobody_else(desk: Installation) -> None:
    desk.write("# more\n")
    admin, supervisor, wallboard = (desk.bearer(role) for role in (Role.ADMIN, Role.SUPERVISOR, Role.WALLBOARD))
    for path in ("", "/reload"):
        for bearer, status in (({}, 401), (wallboard, 403), (supervisor, 200), (admin, 200)):
            assert (await desk.web.get(f"/api/v1/configuration{path}", headers=bearer)).status_code == status
    for path in ("/reload", "/rollback"):
        for bearer, status in (({}, 401), (wallboard, 403), (supervisor, 403)):
            assert (await desk.web.post(f"/api/v1/configuration{path}", headers=bearer)).status_code == status
    assert desk.in_force == 1


async def test_the_api_reloads_and_goes_back(desk: Installation) -> None:
    bearer = desk.bearer(Role.ADMIN)
    desk.write("# more\n")
    done = (await desk.web.post("/api/v1/configuration/reload", headers=bearer)).json()
    assert (done["release"], "+# more" in done["difference"]) == (2, True)
    assert desk.asked[0]["by"].startswith("api (127.0.0.1:")
    done = (await desk.web.post("/api/v1/configuration/rollback", headers=bearer, json={"number": 1})).json()
    assert (done["release"], "-# more" in done["difference"]) == (3, True)
    now = (await desk.web.get("/api/v1/configuration", headers=bearer)).json()
    assert (now["in_force"]["number"], [one["number"] for one in now["history"]]) == (3, [3, 2, 1])
    assert now["history"][-1]["by"] == "run"


@pytest.mark.parametrize("body", [{"number": 0}, {"number": "x"}, {"nmber": 1}, [], {"seen": "x" * 200}])
async def test_a_body_that_is_not_understood_changes_nothing(desk: Installation, body: Any) -> None:
    answer = await desk.web.post("/api/v1/configuration/rollback", headers=desk.bearer(Role.ADMIN), json=body)
    assert (answer.status_code, desk.asked) == (422, [])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_panel_has_its_words_in_each_language(language: str) -> None:
    texts = Texts(language)
    for name in ("changes", "unchanged", "refused"):
        assert texts(f"configuration_{name}")
        assert "7" in texts(f"configuration_back_{name}", number=7)
