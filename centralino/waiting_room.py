"""The waiting room: what callers hear between the music while they wait, cut short as soon as an agent is there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from acd.decisions import Tell
from acd.goto import Goto, ToStep, ToVoicemail
from acd.rules import WhileWaiting
from asterisk.port import Telephony
from centralino.attendant import NO_SOUND, UTTERANCES_PER_STEP, Voice
from centralino.book import Book
from centralino.state import CallNow
from ivr.prompts import Prompt
from ivr.sentences import Pattern, Sentences
from ivr.steps_of_ours import CALL_BACK


@dataclass(frozen=True, slots=True)
class Utterance:
    """`heard` is called where it is heard to its end."""

    prompts: Sequence[Prompt]
    heard: Callable[[], None]


class WaitingRoom:
    """One playback a caller at a time; after the last of them the music goes on."""

    def __init__(self, book: Book, telephony: Telephony, voice: Voice) -> None:
        self._book, self._telephony, self.voice = book, telephony, voice
        self._saying: dict[str, tuple[str, Utterance]] = {}  # call → playback
        self._next: dict[str, list[Utterance]] = {}  # what follows
        self._said: dict[str, int] = {}  # call → how often something was said

    @property
    def sentences(self) -> Sentences:
        return self.voice.sentences

    def speaks_to(self, call_id: str) -> bool:
        return call_id in self._saying

    def say(self, call: CallNow, prompts: Sequence[Prompt], heard: Callable[[], None] = lambda: None) -> None:
        """Say it now, or after what is being said."""
        if call.id in self._saying:
            self._next.setdefault(call.id, []).append(Utterance(prompts, heard))
        else:
            self._say(call, Utterance(prompts, heard))

    def say_at_once(self, call: CallNow, prompts: Sequence[Prompt]) -> None:
        """Say it instead of what is being said."""
        if call.id not in self._saying:
            self.say(call, prompts)
            return
        self._next.setdefault(call.id, []).insert(0, Utterance(prompts, lambda: None))
        self._telephony.stop_playing(call.id, self._saying[call.id][0])  # the rest follows at its end

    def _say(self, call: CallNow, utterance: Utterance) -> None:
        nth = self._said[call.id] = self._said.get(call.id, -1) + 1
        playback = f"{call.id}.{call.entry}.{nth % UTTERANCES_PER_STEP}"
        saying = self._saying[call.id] = (playback, utterance)

        def play(sounds: list[str]) -> None:
            if self._saying.get(call.id) is saying:
                self._telephony.play(call.id, playback, sounds or [NO_SOUND], call.language)

        self.voice.give(utterance.prompts, play)

    def playback_ended(self, call_id: str, playback: str, *, whole: bool) -> None:
        """What follows is said, or the music goes on."""
        name, utterance = self._saying.get(call_id, ("", None))
        if utterance is None or name != playback:
            return
        del self._saying[call_id]
        call = self._book.call(call_id)
        if call is None or not call.waits:
            return
        if whole:
            utterance.heard()
        if following := self._next.get(call_id):
            self._say(call, following.pop(0))
        else:
            self._telephony.hold(call_id)

    def hush(self, call_id: str) -> None:
        """Say no more: an agent is there, or the caller goes elsewhere, or is gone."""
        self._said.pop(call_id, None)
        self._next.pop(call_id, None)
        if saying := self._saying.pop(call_id, None):
            self._telephony.stop_playing(call_id, saying[0])

    def words(self, language: str, tell: Tell, rules: WhileWaiting, waited_s: float) -> Sequence[Prompt]:
        """Where the caller stands, and what they may choose."""
        sentences = self.voice.sentences
        said = []
        if tell.position is not None:
            said.append(sentences.place_in_line(tell.position, language))
        if tell.wait_s is not None:
            said.append(sentences.wait(*tell.wait_s, language))
        if rules.call_back_key and waited_s >= rules.call_back_after_s:
            said.append(sentences.with_key(Pattern.OFFER_CALL_BACK, rules.call_back_key, language))
        if rules.voicemail_key:
            said.append(sentences.with_key(Pattern.OFFER_VOICEMAIL, rules.voicemail_key, language))
        return said


def way_out(queue: str, rules: WhileWaiting, key: str, waited_s: float) -> Goto | None:
    """Where `key` leads a caller who waits; None: nowhere."""
    if key == rules.voicemail_key:
        return ToVoicemail(queue)
    if key == rules.call_back_key and waited_s >= rules.call_back_after_s:
        return ToStep(CALL_BACK)
    return None
