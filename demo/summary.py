"""What came of the demo: figures from the engine's totals, the database and the audit, and whether all is well."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from asterisk.configuration import CDR_COLUMNS, Folders
from cases import store as cases_store
from centralino.database import DatabaseAway, database_url, open_database
from demo.installation import Installation
from supervision import store as calls_store
from supervision.audit import UnreadableCdr, audit, read_cdr

LISTED_MAX = 100_000
YEAR_S = 365 * 86_400.0
FINDINGS_SHOWN = 3
OUTCOMES = ("answered", "abandoned", "ended in menu", "voicemail", "unknown number")  # shown also where there is none
LONG_ENOUGH_S = 45.0  # who has called for so long without an answer has something to complain about


@dataclass(frozen=True, slots=True)
class Heard:
    """What our phones know: talks, and in how many of them each side heard the other."""

    talks: int
    by_agents: int
    by_callers: int
    refused: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What stands in the database at the end, and what the audit says."""

    calls: int
    without_case: int
    cases: int
    findings: tuple[str, ...]


async def read_back(installation: Installation) -> Kept:
    """Read what a stopped installation has kept, and audit it. Raises DemoFailed where that cannot be read."""
    folders = Folders(installation.state / "asterisk")
    database = open_database(database_url(installation.configuration.settings.database, installation.state))
    try:
        calls = await calls_store.recent_calls(database, LISTED_MAX)
        cases = await cases_store.cases(database, LISTED_MAX)
        records = read_cdr(folders.calls, CDR_COLUMNS) if folders.calls.exists() else ()
        # why so late: everything has ended, so nothing is excused as being still on its way
        findings = await audit(database, records, now_s=installation.opening_day().timestamp() + YEAR_S)
    except (DatabaseAway, UnreadableCdr) as error:
        raise installation.failure(f"what the demo has kept cannot be read: {error}") from error
    finally:
        await database.close()
    return Kept(
        calls=len(calls),
        without_case=sum(1 for call in calls if not call.case_id),
        cases=len(cases),
        findings=tuple(finding.sentence for finding in findings),
    )


@dataclass(frozen=True, slots=True)
class Summary:
    """The whole of it. `snapshot` is the engine's last; `lasted_s` is how long citizens called."""

    snapshot: Mapping[str, Any]
    heard: Heard
    kept: Kept
    lasted_s: float

    @property
    def outcomes(self) -> dict[str, int]:
        return dict(self.snapshot.get("totals", {}).get("calls_by_outcome", {}))

    @property
    def lines(self) -> list[str]:
        """Lines of at most 50 characters."""
        outcomes, heard = self.outcomes, self.heard
        facts = {"calls": str(sum(outcomes.values()))}
        facts |= {f"  {name}": str(outcomes.get(name, 0)) for name in OUTCOMES}
        facts |= {f"  {name}": str(count) for name, count in outcomes.items() if name not in OUTCOMES}
        facts |= {"mean wait": self._mean_wait(), "service level": self._service_level()}
        facts["heard"] = f"{min(heard.by_agents, heard.by_callers)} of {heard.talks} talks, both ways"
        facts["cases"] = f"{self.kept.cases} for {self.kept.calls} calls"
        facts["audit"] = f"{len(self.kept.findings)} findings" if self.kept.findings else "nothing is missing"
        return [f"{name:<17}{value}" for name, value in facts.items()]

    def _mean_wait(self) -> str:
        queues = self._queues()
        answered = sum(queue["answered"] for queue in queues)
        return f"{sum(queue['wait_sum_s'] for queue in queues) / answered:.1f} s" if answered else "-"

    def _service_level(self) -> str:
        """Of those who came to a queue and were answered or gave up: how many were answered in time."""
        queues = self._queues()
        settled = sum(queue["answered"] + queue["abandoned"] for queue in queues)
        in_time = sum(queue["in_time"] for queue in queues)
        return f"{in_time / settled:.0%} answered in time" if settled else "-"

    def _queues(self) -> list[Mapping[str, Any]]:
        return list(self.snapshot.get("queues", {}).values())

    @property
    def complaints(self) -> list[str]:
        """What is not as it must be; none: all is well."""
        calls, kept, heard = sum(self.outcomes.values()), self.kept, self.heard
        wrong = {
            "No call was answered by an agent.": not self.outcomes.get("answered") and self.lasted_s >= LONG_ENOUGH_S,
            f"Asterisk refused {heard.refused} calls.": heard.refused > 0,
            f"The engine counts {calls} calls, the database has {kept.calls}.": calls != kept.calls,
            f"{kept.without_case} calls stand against no case.": kept.without_case > 0,
            f"{self.outcomes.get('failed', 0)} calls failed by a fault of ours.": self.outcomes.get("failed", 0) > 0,
        }
        return [text for text, is_so in wrong.items() if is_so] + [
            f"Audit: {finding}" for finding in kept.findings[:FINDINGS_SHOWN]
        ]
