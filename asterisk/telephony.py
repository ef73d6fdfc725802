"""The port, spoken in ARI: requests become REST, events become ours. It translates and decides nothing.

A caller's leg is the channel that came in; Asterisk's own id for it carries the node's name and becomes the call's id.
An agent's leg is a channel that we originate under an id of our choice. A talk is a mixing bridge named `talk-` and the
agent's leg (a call may talk twice, and a bridge just ended keeps its name a moment); whoever waits with music is in the
one holding bridge. Whoever overhears a talk is in a bridge of their own with a snoop channel on the agent's leg, which
hears both who talk and says what it is told into the agent's ear alone; muted, they only listen; to barge in they enter
the talk's bridge.
"""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from asterisk.ari import NO_ANSWER, AriLine, Bridge, Channel, Message, Received, Reply, Value
from asterisk.carrier import Allowed
from asterisk.configuration import APP, BEAT_VARIABLE, LAMP, TALK, Node
from asterisk.outside import FURTHER, CallsOutside, RingOutside
from asterisk.port import (
    Arrived,
    CallerId,
    Connected,
    Dialled,
    Digit,
    EndCause,
    HoldBegan,
    HoldEnded,
    JoinFailed,
    LegAnswered,
    LegEnded,
    LegNow,
    LegRinging,
    Lost,
    OnEvent,
    Overhear,
    OverhearFailed,
    PlaybackEnded,
    RecordingEnded,
    TransferEnd,
)
from asterisk.talk_recording import TalkRecorder
from asterisk.transfers import Transfers

log = logging.getLogger(__name__)

OVERHEARD, SNOOP = "overheard-", "snoop-"  # begin the names of such a bridge and channel; the rest is the leg
ASIDE = "aside-"  # begins the name of a channel that says something into somebody's ear, and of what it plays
OUR_LEG = re.compile(r"-leg\d+$")  # Asterisk's own ids end in a number after a dot
NOT_FOUND = 404
# Asterisk 22 makes no channel whose id is how that of another begins, and an agent's leg begins with the call's id: who
# is called back comes after their agent, and so is a channel of another name; so is an agent for whom a call is placed.
CALLED_BACK = re.compile(r"-(back|click)\d+$")
CITIZEN = "-leg0"
CONFLICT = 409
NOT_BOOTED = 503
BOOTED_AGAIN_S = 0.2
PICTURE_WITHIN_S = 2.0
HEARTBEAT_EVERY_S = 1.0
BUSY_AGAIN_S = 0.05  # a channel just made may refuse for a moment (409)
BUSY_TRIES = 40
# Only what we use arrives; RESTResponse must be among it, or no answer ever comes.
EVENTS = (
    "ApplicationRegistered",  # Asterisk's first word on a new line
    "StasisStart",
    "StasisEnd",
    "ChannelDestroyed",
    "ChannelStateChange",
    "ChannelDtmfReceived",
    "ChannelHold",
    "ChannelUnhold",
    "ChannelTransfer",
    "PlaybackFinished",
    "RecordingFinished",
    "RecordingFailed",
    "ApplicationReplaced",
    "RESTResponse",
)
# Q.850 causes, as chan_pjsip sets them for what the phone said.
CAUSES = {
    16: EndCause.HUNG_UP,
    17: EndCause.BUSY,
    18: EndCause.NO_ANSWER,
    19: EndCause.NO_ANSWER,
    21: EndCause.REJECTED,
    3: EndCause.UNREACHABLE,
    20: EndCause.UNREACHABLE,
    27: EndCause.UNREACHABLE,
    38: EndCause.UNREACHABLE,
}
ON_HOLD = "1"
NORMAL, ANSWERED_ELSEWHERE = "16", "26"  # Q.850 causes that we give; the latter stands in the CANCEL
_channels = msgspec.json.Decoder(list[Channel]).decode
_bridges = msgspec.json.Decoder(list[Bridge]).decode
_value = msgspec.json.Decoder(Value).decode
_received = msgspec.json.Decoder(Received).decode


class AsteriskTelephony:
    """One Asterisk node. Implements `asterisk.port.Telephony`."""

    def __init__(self, node: Node, on_event: OnEvent, recorder: TalkRecorder) -> None:
        self.node = node.name
        self._recorder = recorder
        self.line = AriLine(self, node.ari_user, node.ari_password)
        self.outside = CallsOutside(node.carriers, self)
        self._transfers = Transfers(self, _leg)
        self._on_event = on_event
        self._legs: set[str] = set()  # those that live
        self._early: list[Message] | None = None  # events told before `Connected` is; they follow it
        self._talks: dict[str, str] = {}  # leg → bridge it talks in
        self._made: dict[str, str] = {}  # bridges of talks that were not taken away yet → in which call
        self._waiting: set[str] = set()  # legs with music
        self._overhearing: dict[str, tuple[str, str]] = {}  # leg → whose talk; its bridge, where they barged in
        self._snoops: set[str] = set()  # legs whose snoop channel lives
        self._asides: dict[str, tuple[str, str]] = {}  # by channel: what it is to say, and in which language
        self._asides_said = 0
        self._cut_short: set[str] = set()  # playbacks: Asterisk tells them as done
        self._heartbeat: asyncio.TimerHandle | None = None
        self._patience: asyncio.TimerHandle | None = None

    # --- requests: asterisk.port.Telephony

    def answer(self, leg: str) -> None:
        self._ask("POST", f"channels/{self._channel(leg)}/answer", then=lambda reply: self._answer_asked(leg, reply))

    def let_hear_ringing(self, leg: str) -> None:
        self._ask("POST", f"channels/{self._channel(leg)}/ring")

    def play(self, leg: str, playback: str, sounds: Sequence[str], language: str) -> None:
        self._end_music(leg)
        self._end_overhearing(leg)
        media = ",".join(f"sound:{sound}" for sound in sounds)
        self._ask(
            "POST",
            f"channels/{self._channel(leg)}/play/{playback}",
            then=lambda reply: self._tell(PlaybackEnded(leg, playback, whole=False)) if _is_refused(reply) else None,
            media=media,
            lang=language,
        )

    def stop_playing(self, leg: str, playback: str) -> None:
        self._cut_short.add(playback)
        self._ask(
            "DELETE",
            f"playbacks/{playback}",
            then=lambda reply: None if reply.ok else self._cut_short.discard(playback),
        )

    def hold(self, leg: str) -> None:
        self._waiting.add(leg)
        self._talks.pop(leg, None)  # it leaves the talk, whose bridge goes with the other
        self._ask("POST", f"bridges/{self._holding}/addChannel", channel=self._channel(leg), role="holding_participant")

    def ring(self, leg: str, phone: str, call: str, shown: CallerId, timeout_s: float) -> None:
        if leg not in self._legs:  # else asked already
            self._legs.add(leg)
            self._originate(leg, f"PJSIP/{phone}", call, shown, timeout_s)

    def ring_outside(self, leg: str, to: Allowed, call: str, shown: CallerId, timeout_s: float) -> None:
        if leg not in self._legs:
            self._legs.add(leg)
            self.outside.ring(leg, _channel(leg), RingOutside(to, call, shown), timeout_s)

    def _originate(self, leg: str, endpoint: str, call: str, shown: CallerId, timeout_s: float) -> None:
        channel = self._channel(leg)
        body = {
            "endpoint": endpoint,
            "app": APP,
            "appArgs": f"leg,{call}",
            "callerId": caller_id(shown),
            "timeout": int(timeout_s) or 1,
            "channelId": channel,
            "formats": "alaw,ulaw",
            "variables": {"CENTRALINO_CALL": call},
        }
        self._ask("POST", "channels", body=body, then=lambda reply: self._ring_asked(leg, channel, reply))

    def part(self, leg: str) -> None:
        bridge = self._talks.get(leg)
        if bridge is not None:  # which stays, for when they are joined again
            self._ask("POST", f"bridges/{bridge}/removeChannel", channel=self._channel(leg))

    def join(self, call: str, caller_leg: str, agent_leg: str) -> None:
        bridge = self._bridge_of(call, caller_leg, agent_leg)
        self._made[bridge] = call
        self._waiting -= {caller_leg, agent_leg}
        self._talks[caller_leg] = self._talks[agent_leg] = bridge
        self._end_overhearing(caller_leg)
        self._end_overhearing(agent_leg)
        self._ask("POST", f"bridges/{bridge}", type="mixing,dtmf_events", name=call)
        self._ask(
            "POST",
            f"bridges/{bridge}/addChannel",
            then=lambda reply: self._join_failed(call, bridge, (caller_leg, agent_leg)) if _is_refused(reply) else None,
            channel=f"{self._channel(caller_leg)},{self._channel(agent_leg)}",
        )
        for leg, (talker, barged_into) in self._overhearing.items():
            if barged_into and talker in (caller_leg, agent_leg):  # they go where the agent goes
                self._overhearing[leg] = talker, bridge
                self._enter(bridge, leg, leg)

    def overhear(self, leg: str, talker: str, how: Overhear) -> None:
        talk, own = self._talks.get(talker), f"{OVERHEARD}{leg}"
        if talk is None:
            self._tell(OverhearFailed(leg))
            return
        if leg not in self._overhearing:
            self._ask("POST", f"bridges/{own}", type="mixing,dtmf_events", name=talker)
        self._overhearing[leg] = talker, talk if how is Overhear.BARGE else ""
        self._ask("POST" if how is Overhear.LISTEN else "DELETE", f"channels/{leg}/mute", direction="in")
        self._enter(talk if how is Overhear.BARGE else own, leg, leg)
        if how is Overhear.BARGE:
            return
        if leg in self._snoops:
            self._enter(own, f"{SNOOP}{leg}", leg)
        else:
            self._snoop(leg, talker)

    def _snoop(self, leg: str, talker: str) -> None:
        """The channel comes to us by StasisStart, and enters the bridge then."""
        self._snoops.add(leg)
        self._ask(
            "POST",
            f"channels/{talker}/snoop/{SNOOP}{leg}",
            then=lambda reply: self._overhear_failed(leg) if _is_refused(reply) else None,
            app=APP,
            appArgs=f"snoop,{leg}",
            spy="both",
            whisper="out",
        )

    def _enter(self, bridge: str, channel: str, leg: str) -> None:
        self._ask(
            "POST",
            f"bridges/{bridge}/addChannel",
            then=lambda reply: self._overhear_failed(leg) if _is_refused(reply) else None,
            channel=channel,
        )

    def record(self, leg: str, recording: str, limit_s: float, silence_s: float) -> None:
        self._end_music(leg)
        self._ask(
            "POST",
            f"channels/{self._channel(leg)}/record",
            then=lambda reply: self._record_asked(leg, recording, reply),
            name=recording,
            format="wav",
            maxDurationSeconds=str(int(limit_s)),
            maxSilenceSeconds=str(int(silence_s)),
            ifExists="overwrite",
            terminateOn="#",
        )

    def record_talk(self, leg: str, recording: str) -> None:
        if leg in self._legs:
            self._recorder.begin(leg, recording)
        else:
            self._recorder.finish(leg, recording)

    def stop_recording(self, leg: str, recording: str) -> None:
        self._recorder.stop(leg, recording)

    def pause_recording(self, leg: str) -> None:
        self._recorder.pause(leg)

    def resume_recording(self, leg: str) -> None:
        self._recorder.resume(leg)

    def say_aside(self, leg: str, sounds: Sequence[str], language: str) -> None:
        """By a snoop channel for as long, which comes to us by StasisStart."""
        if leg in self._talks:
            self._asides_said += 1
            aside = f"{ASIDE}{int(time.time())}-{self._asides_said}"
            self._asides[aside] = ",".join(f"sound:{sound}" for sound in sounds), language
            self._ask("POST", f"channels/{leg}/snoop/{aside}", app=APP, whisper="out")

    def light(self, lamp: str) -> None:
        self._show(lamp, "INUSE")

    def put_out(self, lamp: str) -> None:
        self._show(lamp, "NOT_INUSE")

    def _show(self, lamp: str, device_state: str) -> None:
        self._ask("PUT", f"deviceStates/{LAMP}{lamp}", deviceState=device_state)

    def call_off(self, leg: str) -> None:
        if leg in self._legs:
            self.outside.rings(leg)  # no other carrier is asked any more
            self._hang_up(self._channel(leg), BUSY_TRIES, ANSWERED_ELSEWHERE)

    def look_at(self, leg: str) -> None:
        self._ask("GET", f"channels/{self._channel(leg)}", then=lambda reply: self._looked_at(leg, reply))

    def look_at_hold(self, caller_leg: str, agent_leg: str) -> None:
        def told(reply: Reply) -> None:
            if reply.ok:
                self._tell(HoldBegan(agent_leg) if _value(reply.body).value == ON_HOLD else HoldEnded(agent_leg))

        channel = self._channel(caller_leg)  # who is on hold knows it, not who holds them
        self._ask("GET", f"channels/{channel}/variable", then=told, variable="CHANNEL(onhold)")

    def hang_up(self, leg: str) -> None:
        if leg in self._legs and not self._transfers.keeps(leg):
            self.outside.rings(leg)
            self._hang_up(self._channel(leg), BUSY_TRIES)

    def end_transfer(self, leg: str, how: TransferEnd) -> None:
        if leg in self._legs:
            self._transfers.end(leg, how)

    # --- phones' own transfers: asterisk.transfers.Asker

    def tell_phone(self, leg: str, state: str, then: Callable[[Reply], None]) -> None:
        self._ask("POST", f"channels/{self._channel(leg)}/transfer_progress", then=then, states=state)

    # --- numbers outside: asterisk.outside.Asker

    def originate(self, leg: str, endpoint: str, wanted: RingOutside, timeout_s: float) -> None:
        self._originate(leg, endpoint, wanted.call, wanted.shown, timeout_s)

    def cut(self, channel: str) -> None:
        self._hang_up(channel, BUSY_TRIES)

    def hears_something(self, channel: str, told: Callable[[bool], None]) -> None:
        def counted(reply: Reply) -> None:
            told(reply.ok and _received(reply.body).rxcount > 0)

        self._ask("GET", f"channels/{channel}/rtp_statistics", then=counted)

    def nobody_takes_it(self, leg: str, cause: EndCause) -> None:
        self._leg_over(leg, cause)

    # --- the line: asterisk.ari.Listener

    def connected(self) -> None:
        """Ask for what is true; `Connected` is told when all of it is here."""
        if not self.line.is_connected:
            return  # lost again while Asterisk booted
        self._early = []
        self._expect_picture()
        allowed = [{"type": name} for name in EVENTS]
        self._ask("PUT", f"applications/{APP}/eventFilter", body={"allowed": allowed})
        self._ask("POST", f"bridges/{self._holding}", type="holding", name="waiting")
        self._ask("GET", "channels", then=self._channels_told)

    def _expect_picture(self) -> None:
        """Seen once: a new line whose first requests were never answered. The next line is soon there: do not wait."""
        if self._patience:
            self._patience.cancel()
        loop = asyncio.get_running_loop()
        self._patience = loop.call_later(PICTURE_WITHIN_S, self.line.cut, "Asterisk does not say what is true")

    def lost(self, why: str) -> None:
        if self._patience:
            self._patience.cancel()
        if self._heartbeat:
            self._heartbeat.cancel()
            self._heartbeat = None
        self._transfers.clear()
        self._tell(Lost(self.node, why))

    def told(self, message: Message) -> None:
        if self._early is not None:
            self._early.append(message)
        elif translate := _TRANSLATE.get(message.type):
            translate(self, message)

    # --- events

    def _stasis_start(self, message: Message) -> None:
        channel = message.channel
        if channel is None:
            return
        if message.args and message.args[0] == "leg":
            leg = _leg(channel.id)
            if leg in self._legs and not self.outside.is_stale(leg, channel.id):
                self.outside.rings(leg)
                self._tell(LegAnswered(leg))
            else:
                self._hang_up(channel.id, BUSY_TRIES)  # an answer to a leg that was over already
            return
        if channel.id.startswith(SNOOP):
            self._snoop_started(channel.id.removeprefix(SNOOP))
            return
        if channel.id.startswith(ASIDE):
            media, language = self._asides.pop(channel.id, ("", ""))
            self._ask("POST", f"channels/{channel.id}/play/{channel.id}", media=media, lang=language)
            return
        self._legs.add(channel.id)
        self.outside.arrived(channel.id, channel.name)
        self._tell(_dialled(channel, self.node) or _arrival(channel, self.node, message.args))

    def _snoop_started(self, leg: str) -> None:
        self._snoops.add(leg)
        if leg in self._overhearing:
            self._enter(f"{OVERHEARD}{leg}", f"{SNOOP}{leg}", leg)
        else:
            self._ask("DELETE", f"channels/{SNOOP}{leg}")

    def _state_change(self, message: Message) -> None:
        channel = message.channel
        if channel is None or channel.state != "Ringing" or (leg := _leg(channel.id)) not in self._legs:
            return
        if not self.outside.is_stale(leg, channel.id):
            self.outside.rings(leg)
            self._tell(LegRinging(leg))

    def _channel_over(self, message: Message) -> None:
        if message.channel is None:
            return
        if message.channel.id.startswith(SNOOP):
            self._snoops.discard(message.channel.id.removeprefix(SNOOP))
            return
        if message.channel.id.startswith(ASIDE):
            self._asides.pop(message.channel.id, None)
            return
        leg = _leg(message.channel.id)
        if self.outside.is_stale(leg, message.channel.id) or self.outside.ended(leg, message.tech_cause, message.cause):
            return
        self._leg_over(leg, CAUSES.get(message.cause, EndCause.HUNG_UP))

    def _digit(self, message: Message) -> None:
        if message.channel:
            self._tell(Digit(_leg(message.channel.id), message.digit))

    def _hold(self, message: Message) -> None:
        if message.channel and (leg := _leg(message.channel.id)) in self._legs:
            self._tell(HoldBegan(leg) if message.type == "ChannelHold" else HoldEnded(leg))

    def _transfer(self, message: Message) -> None:
        asked = self._transfers.told(message)
        if asked and asked.leg in self._legs:
            self._tell(asked)

    def _playback_finished(self, message: Message) -> None:
        if message.playback and message.playback.id.startswith(ASIDE):
            self._ask("DELETE", f"channels/{message.playback.id}")
        elif message.playback:
            playback, leg = message.playback.id, _leg(message.playback.target_uri.removeprefix("channel:"))
            whole = message.playback.state == "done" and playback not in self._cut_short
            self._cut_short.discard(playback)
            self._tell(PlaybackEnded(leg, playback, whole=whole))

    def _recording_over(self, message: Message) -> None:
        recording = message.recording
        if recording:
            leg = _leg(recording.target_uri.removeprefix("channel:"))
            kept_s = recording.duration if message.type == "RecordingFinished" else 0
            self._tell(RecordingEnded(leg, recording.name, float(kept_s)))

    def _replaced(self, message: Message) -> None:
        log.error("another program took the ARI application %s", APP)

    # --- what is true at a connection

    def _channels_told(self, reply: Reply) -> None:
        if reply.status == NOT_BOOTED:
            asyncio.get_running_loop().call_later(BOOTED_AGAIN_S, self.connected)
            return
        if not reply.ok:
            self.line.cut(f"Asterisk does not list its channels: {reply.status} {reply.body}")
            return
        channels = _channels(reply.body)
        self._ask("GET", "bridges", then=lambda bridges: self._all_told(channels, bridges))

    def _all_told(self, channels: list[Channel], reply: Reply) -> None:
        """Events that came meanwhile follow the picture: what they say of it again is idempotent."""
        if not reply.ok:
            self.line.cut(f"Asterisk does not list its bridges: {reply.status} {reply.body}")
            return
        bridges = _bridges(reply.body)
        in_bridge = {_leg(channel): bridge.id for bridge in bridges for channel in bridge.channels}
        self._snoops = {channel.id.removeprefix(SNOOP) for channel in channels if channel.id.startswith(SNOOP)}
        for aside in [channel.id for channel in channels if channel.id.startswith(ASIDE)]:
            self._ask("DELETE", f"channels/{aside}")  # whoever let it speak is gone
        channels = [channel for channel in channels if _is_a_leg(channel)]
        newest = {_leg(channel.id): channel for channel in sorted(channels, key=lambda channel: len(channel.id))}
        for channel in channels:
            if channel not in newest.values():
                self._hang_up(channel.id, BUSY_TRIES)  # given up for a further carrier
        talks = {bridge.id: bridge.name for bridge in bridges if bridge.id.startswith(TALK)}
        legs = [self._leg_now(channel, in_bridge.get(leg, ""), talks) for leg, channel in newest.items()]
        self.outside.only_these_live({leg: (channel.id, channel.name) for leg, channel in newest.items()})
        self._legs = {leg.leg for leg in legs}
        self._talks = {leg: bridge for leg, bridge in in_bridge.items() if bridge.startswith(TALK)}
        self._made = dict(talks)
        self._overhearing = {}
        for own in [bridge for bridge in bridges if bridge.id.startswith(OVERHEARD)]:
            leg = own.id.removeprefix(OVERHEARD)
            self._overhearing[leg] = own.name, self._talks.pop(leg, "")
        self._waiting = {leg.leg for leg in legs if leg.holding}
        self._cut_short.clear()
        self._recorder.only_these_live(self._legs)
        self._sweep_bridges(bridges)
        for leg in [leg for leg in self._overhearing if leg not in self._legs]:
            self._end_overhearing(leg)
        if self._patience:
            self._patience.cancel()
        early, self._early = self._early or [], None
        self._tell(Connected(self.node, tuple(legs)))
        for message in early:
            self.told(message)
        self._beat()

    def _leg_now(self, channel: Channel, bridge: str, talks: Mapping[str, str]) -> LegNow:
        """`talks`: by the bridge, in which call."""
        dialled = _dialled(channel, self.node)
        arrived = None if dialled or _is_ours(channel.id) else _arrival(channel, self.node, [])
        return LegNow(
            _leg(channel.id), channel.state == "Up", talks.get(bridge, ""), bridge == self._holding, arrived, dialled
        )

    def _sweep_bridges(self, bridges: list[Bridge]) -> None:
        """A talk whose agent's leg is gone is over. Where that leg lives, the engine decides: it may join it again."""
        for bridge in bridges:
            agent_leg = bridge.id.removeprefix(TALK)
            if bridge.id.startswith(TALK) and agent_leg in self._legs:
                self._talks[agent_leg] = bridge.id
            elif bridge.id.startswith(TALK):
                self._ask("DELETE", f"bridges/{bridge.id}")

    def _beat(self) -> None:
        """Leave a heartbeat in Asterisk: its dialplan sends new callers elsewhere when it is old."""
        loop = asyncio.get_running_loop()
        self._ask("POST", "asterisk/variable", variable=BEAT_VARIABLE, value=str(int(time.time())))
        self._heartbeat = loop.call_later(HEARTBEAT_EVERY_S, self._beat)

    # --- within

    def _channel(self, leg: str) -> str:
        """The channel that the leg is now."""
        return self.outside.channel(leg) or _channel(leg)

    @property
    def _holding(self) -> str:
        return f"waiting-{self.node}"

    def _ask(self, method: str, uri: str, body: dict[str, Any] | None = None, then: Any = None, **query: str) -> None:
        self.line.ask(method, uri, body, then, **query)

    def _tell(self, event: Any) -> None:
        self._on_event(event)

    def _answer_asked(self, leg: str, reply: Reply) -> None:
        if reply.status == NOT_FOUND:  # gone before we were heard, and its end was told to nobody
            self._leg_over(leg, EndCause.GONE)

    def _looked_at(self, leg: str, reply: Reply) -> None:
        if reply.status != NOT_FOUND:
            return
        if leg in self._legs:
            self._leg_over(leg, EndCause.GONE)
        else:
            self._tell(LegEnded(leg, EndCause.GONE))

    def _ring_asked(self, leg: str, channel: str, reply: Reply) -> None:
        if not _is_refused(reply):
            return  # what came of it is told by events
        if self.outside.is_stale(leg, channel) or self.outside.refused(leg):
            return
        log.info("phone could not be rung as %s: %s %s", leg, reply.status, reply.body)
        self._leg_over(leg, EndCause.UNREACHABLE)

    def _join_failed(self, call: str, bridge: str, legs: tuple[str, str]) -> None:
        log.warning("%s and %s could not be joined", *legs)
        self._end_talk(bridge)
        self._tell(JoinFailed(call, legs))

    def _bridge_of(self, call: str, caller_leg: str, agent_leg: str) -> str:
        """Named for the agent's leg; for the caller's, where the other is still that of the agent's own call: a bridge
        says for ever in which call it was made.
        """
        bridge = f"{TALK}{agent_leg}"
        return bridge if self._made.get(bridge, call) == call else f"{TALK}{caller_leg}"

    def _end_music(self, leg: str) -> None:
        """In a bridge a channel is not recorded, and hears music between the words."""
        if leg in self._waiting:
            self._waiting.discard(leg)
            self._ask("POST", f"bridges/{self._holding}/removeChannel", channel=self._channel(leg))

    def _end_overhearing(self, leg: str) -> None:
        """Take their bridge and ear away. The leg leaves first, or what is played next gets lost."""
        if leg not in self._overhearing:
            return
        _, talk = self._overhearing.pop(leg)
        if leg in self._legs:
            self._ask("DELETE", f"channels/{leg}/mute", direction="in")
            self._ask("POST", f"bridges/{talk or f'{OVERHEARD}{leg}'}/removeChannel", channel=leg)
        if leg in self._snoops:
            self._ask("DELETE", f"channels/{SNOOP}{leg}")
        self._ask("DELETE", f"bridges/{OVERHEARD}{leg}")

    def _overhear_failed(self, leg: str) -> None:
        if leg in self._overhearing and leg in self._legs:
            log.warning("%s cannot overhear", leg)
            self._end_overhearing(leg)
            self._tell(OverhearFailed(leg))

    def _record_asked(self, leg: str, recording: str, reply: Reply) -> None:
        if _is_refused(reply) and reply.status != CONFLICT:  # a conflict: it runs already, and its end will be told
            self._tell(RecordingEnded(leg, recording, 0.0))

    def _hang_up(self, channel: str, tries: int, cause: str = NORMAL) -> None:
        def hang_up_again(reply: Reply) -> None:
            if reply.status == CONFLICT and tries > 0:
                asyncio.get_running_loop().call_later(BUSY_AGAIN_S, self._hang_up, channel, tries - 1, cause)

        self._ask("DELETE", f"channels/{channel}", then=hang_up_again, reason_code=cause)

    def _leg_over(self, leg: str, cause: EndCause) -> None:
        if leg not in self._legs:
            return
        self._legs.discard(leg)
        self.outside.forget(leg)
        self._waiting.discard(leg)
        self._recorder.leg_over(leg)
        self._transfers.let_go(leg)
        self._end_overhearing(leg)
        bridge = self._talks.pop(leg, None)
        if bridge is not None:
            self._end_talk(bridge)
        if (own := f"{TALK}{leg}") in self._made:  # they have left it for another talk
            self._end_talk(own)
        self._tell(LegEnded(leg, cause))

    def _end_talk(self, bridge: str) -> None:
        """Take the bridge of a talk away, once, unless two are left who talk on. Who is still in it leaves first, or
        what is played next gets lost.
        """
        others = [leg for leg, talk in self._talks.items() if talk == bridge]
        if len(others) > 1:
            return
        self._made.pop(bridge, None)
        for leg in others:
            del self._talks[leg]
            self._ask("POST", f"bridges/{bridge}/removeChannel", channel=self._channel(leg))
        for leg, (talker, talk) in list(self._overhearing.items()):
            if talk == bridge and talker not in self._legs:
                self._end_overhearing(leg)
            elif talk == bridge:  # they go where the agent goes
                self._ask("POST", f"bridges/{bridge}/removeChannel", channel=leg)
        self._ask("DELETE", f"bridges/{bridge}")


def _is_refused(reply: Reply) -> bool:
    """Asterisk said no. Where its answer is lost with the line, the picture at the next connection says what is so."""
    return not reply.ok and reply.status != NO_ANSWER


_TRANSLATE = {
    "StasisStart": AsteriskTelephony._stasis_start,
    "StasisEnd": AsteriskTelephony._channel_over,
    "ChannelDestroyed": AsteriskTelephony._channel_over,
    "ChannelStateChange": AsteriskTelephony._state_change,
    "ChannelDtmfReceived": AsteriskTelephony._digit,
    "ChannelHold": AsteriskTelephony._hold,
    "ChannelUnhold": AsteriskTelephony._hold,
    "ChannelTransfer": AsteriskTelephony._transfer,
    "PlaybackFinished": AsteriskTelephony._playback_finished,
    "RecordingFinished": AsteriskTelephony._recording_over,
    "RecordingFailed": AsteriskTelephony._recording_over,
    "ApplicationReplaced": AsteriskTelephony._replaced,
}


def caller_id(shown: CallerId) -> str:
    """`"name" <number>` without a character that could end either part early."""
    name = "".join(c for c in shown.name if c.isprintable() and c not in '"\\<>')[:80]
    number = "".join(c for c in shown.number if c.isalnum() or c in "+*#._-")[:32]
    return f'"{name}" <{number}>'


def _channel(leg: str) -> str:
    return f"{leg}{CITIZEN}" if CALLED_BACK.search(leg) else leg


def _leg(channel: str) -> str:
    return FURTHER.sub("", channel).removesuffix(CITIZEN)


def _is_ours(channel: str) -> bool:
    """Whether we made the channel."""
    return OUR_LEG.search(FURTHER.sub("", channel)) is not None


def _is_a_leg(channel: Channel) -> bool:
    """Whether the channel is with us: in our application, or a phone that we ring."""
    is_with_us = channel.dialplan.app_name == "Stasis" or _is_ours(channel.id)
    return is_with_us and not channel.id.startswith((SNOOP, ASIDE))


def _dialled(channel: Channel, node: str) -> Dialled | None:
    """What a phone of ours dialled; None: the leg came otherwise. The dialplan says `APP,dialled,PHONE,NUMBER`."""
    _, how, rest = channel.dialplan.app_data.partition(",dialled,")
    phone, _, number = rest.partition(",")
    return Dialled(channel.id, node, phone, number) if how else None


def _arrival(channel: Channel, node: str, args: list[str]) -> Arrived:
    dialled = args[1] if len(args) > 1 else channel.dialplan.exten
    return Arrived(channel.id, node, dialled, CallerId(channel.caller.number, channel.caller.name))
