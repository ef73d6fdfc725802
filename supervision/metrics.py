"""What Prometheus reads: the engine's snapshot as metrics in base units, with labels that can not grow without end.

Labels are queues, sites, nodes, states and outcomes, never calls, callers or agents. Counters come from the engine's
own totals, which only grow while it lives; the counts of today in a snapshot are for people.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

CHOSEN = ("signed out", "ready", "paused")
DOING = ("free", "reserved", "ringing", "talking", "wrapping up", "resting")
CALL_STATES = (
    "arrived",
    "in menu",
    "queued",
    "offered",
    "calling back",
    "whispering",
    "talking",
    "taken over",
    "transferring",
    "transferred",
    "voicemail",
)
Rows = Mapping[str, Mapping[str, Any]]

QUEUE_TOTALS = {
    "offered": ("centralino_queue_calls_offered", "Calls that came to the queue."),
    "answered": ("centralino_queue_calls_answered", "Calls of the queue that an agent answered."),
    "abandoned": ("centralino_queue_calls_abandoned", "Calls whose caller gave up in the queue."),
    "answered_in_time": ("centralino_queue_calls_answered_in_time", "Calls answered within the queue's target."),
}


def families(snapshot: Mapping[str, Any] | None) -> Iterator[Metric]:
    """The engine's metrics; None: the engine is away, and only that is known."""
    yield _gauge("centralino_engine_connected", "1 while the desk is connected to the engine.", snapshot is not None)
    can_answer = snapshot is not None and snapshot["can_answer"]
    yield _gauge("centralino_can_answer", "1 while a call that comes in can be answered.", can_answer)
    if snapshot is None:
        return
    text = "1 while there is room to record talks and messages."
    yield _gauge("centralino_can_record", text, snapshot.get("can_record", True))
    yield from _queues(snapshot["queues"], snapshot["at_s"])
    yield from _agents(snapshot["agents"])
    yield _calls(snapshot["calls"])
    yield _nodes(snapshot["nodes"])
    yield _gauge(
        "centralino_configuration_loaded_timestamp_seconds",
        "When the configuration in force was loaded (Unix time).",
        snapshot["configuration_at_s"],
    )
    yield from _totals(snapshot.get("totals", {}))


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=float(value))


def _queues(queues: Rows, now_s: float) -> Iterator[Metric]:
    waiting = GaugeMetricFamily("centralino_queue_calls_waiting", "Calls waiting in the queue.", labels=["queue"])
    free = GaugeMetricFamily("centralino_queue_agents_free", "Agents free for the queue.", labels=["queue"])
    talking = GaugeMetricFamily("centralino_queue_calls_talking", "Calls of the queue talking.", labels=["queue"])
    text = "How long the caller who waits longest has waited; 0: nobody waits."
    longest = GaugeMetricFamily("centralino_queue_longest_wait_seconds", text, labels=["queue"])
    for name, row in queues.items():
        longest.add_metric([name], 0.0 if row["oldest_s"] is None else max(0.0, now_s - row["oldest_s"]))
        waiting.add_metric([name], row["waiting"])
        free.add_metric([name], row["free"])
        talking.add_metric([name], row["talking"])
    yield from (waiting, longest, free, talking)


def _agents(agents: Rows) -> Iterator[Metric]:
    sites = sorted({row["site"] for row in agents.values()})
    now = Counter((row["site"], row["chosen"], row["doing"]) for row in agents.values())
    text = "Agents by site, by what they chose and by what calls make them do."
    family = GaugeMetricFamily("centralino_agents", text, labels=["site", "chosen", "doing"])
    for labels in ((site, chosen, doing) for site in sites for chosen in CHOSEN for doing in DOING):
        family.add_metric(labels, now[labels])  # zeroes too: a series that vanishes looks like a fault
    yield family
    reachable = Counter(row["site"] for row in agents.values() if row["reachable"])
    phones = GaugeMetricFamily("centralino_agents_reachable", "Agents whose phone can be reached.", labels=["site"])
    for site in sites:
        phones.add_metric([site], reachable[site])
    yield phones


def _calls(calls: Rows) -> Metric:
    now = Counter(row["state"] for row in calls.values())
    family = GaugeMetricFamily("centralino_calls_in_progress", "Calls in progress by state.", labels=["state"])
    for state in CALL_STATES:
        family.add_metric([state], now[state])
    return family


def _nodes(nodes: Rows) -> Metric:
    text = "1 while the engine is connected to the Asterisk node."
    family = GaugeMetricFamily("centralino_node_connected", text, labels=["node"])
    for name, row in nodes.items():
        family.add_metric([name], float(row["connected"]))
    return family


def _totals(totals: Mapping[str, Any]) -> Iterator[Metric]:
    for key, (name, text) in QUEUE_TOTALS.items():
        family = CounterMetricFamily(name, text, labels=["queue"])
        for queue, row in totals.get("queues", {}).items():
            family.add_metric([queue], row.get(key, 0))
        yield family
    ended = CounterMetricFamily("centralino_calls_ended", "Calls that ended, by what came of them.", labels=["outcome"])
    for outcome, calls in totals.get("calls_by_outcome", {}).items():
        ended.add_metric([outcome], calls)
    yield ended
    yield CounterMetricFamily(
        "centralino_asterisk_requests", "Requests sent to Asterisk.", value=totals.get("requests", 0)
    )
    yield CounterMetricFamily(
        "centralino_asterisk_events", "Events that came from Asterisk.", value=totals.get("events", 0)
    )
    if "loop_lag_s" in totals:
        text = "How late the engine's loop came to its last heartbeat."
        yield _gauge("centralino_engine_loop_lag_seconds", text, totals["loop_lag_s"])


class _Now(Collector):
    """One look at the engine, as prometheus-client wants it."""

    def __init__(self, snapshot: Mapping[str, Any] | None) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterable[Metric]:
        return families(self._snapshot)


def exposition(snapshot: Mapping[str, Any] | None, accept: str) -> tuple[bytes, str]:
    """The page for Prometheus and its content type, in the format that `accept` asks for."""
    registry = CollectorRegistry()
    registry.register(_Now(snapshot))
    ProcessCollector(registry=registry)
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type
