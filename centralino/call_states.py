"""The states of a call, and the table of what moves it from one to another. Nothing else does."""

from enum import StrEnum

from centralino import events as ev
from centralino.events import CallEvent


class CallState(StrEnum):
    ARRIVED = "arrived"
    IN_MENU = "in menu"
    QUEUED = "queued"
    OFFERED = "offered"
    CALLING_BACK = "calling back"
    WHISPERING = "whispering"
    TALKING = "talking"
    TAKEN_OVER = "taken over"
    TALKED = "talked"
    TRANSFERRING = "transferring"
    TRANSFERRED = "transferred"
    PARKED = "parked"
    VOICEMAIL = "voicemail"
    ENDED = "ended"


S = CallState
NEXT: dict[tuple[CallState, type[CallEvent]], CallState] = {
    (S.ARRIVED, ev.StepEntered): S.IN_MENU,
    (S.ARRIVED, ev.CallEnded): S.ENDED,
    (S.IN_MENU, ev.StepEntered): S.IN_MENU,
    (S.IN_MENU, ev.KeyPressed): S.IN_MENU,
    (S.IN_MENU, ev.LanguageChosen): S.IN_MENU,
    (S.IN_MENU, ev.EntityChosen): S.IN_MENU,
    (S.IN_MENU, ev.AnswerKept): S.IN_MENU,
    (S.IN_MENU, ev.CallBackPromised): S.IN_MENU,
    (S.IN_MENU, ev.CaseAsked): S.IN_MENU,
    (S.IN_MENU, ev.OfficeRung): S.TRANSFERRING,
    (S.TRANSFERRING, ev.OfficeAway): S.IN_MENU,
    (S.TRANSFERRING, ev.OfficeAnswered): S.TRANSFERRED,
    (S.TRANSFERRING, ev.ColleagueTalks): S.TALKING,
    (S.TRANSFERRED, ev.OfficeLeft): S.TALKED,
    (S.IN_MENU, ev.QueueEntered): S.QUEUED,
    (S.IN_MENU, ev.VoicemailStarted): S.VOICEMAIL,
    (S.IN_MENU, ev.CallEnded): S.ENDED,
    (S.QUEUED, ev.CallWaits): S.QUEUED,
    (S.QUEUED, ev.CallerTold): S.QUEUED,
    (S.QUEUED, ev.KeyPressed): S.QUEUED,
    (S.QUEUED, ev.RecordingAnnounced): S.QUEUED,
    (S.QUEUED, ev.RecordingTold): S.QUEUED,
    (S.QUEUED, ev.RecordingRefused): S.QUEUED,
    (S.QUEUED, ev.CallOffered): S.OFFERED,
    (S.OFFERED, ev.KeyPressed): S.OFFERED,
    (S.OFFERED, ev.RecordingAnnounced): S.OFFERED,
    (S.OFFERED, ev.RecordingTold): S.OFFERED,
    (S.OFFERED, ev.RecordingRefused): S.OFFERED,
    (S.QUEUED, ev.QueueLeft): S.IN_MENU,
    (S.QUEUED, ev.CallEnded): S.ENDED,
    (S.OFFERED, ev.CallOffered): S.OFFERED,  # to several at once
    (S.OFFERED, ev.RingEnded): S.OFFERED,
    (S.OFFERED, ev.OfferEnded): S.QUEUED,
    (S.OFFERED, ev.TalkStarted): S.TALKING,
    (S.OFFERED, ev.WhisperStarted): S.WHISPERING,
    (S.WHISPERING, ev.RingEnded): S.WHISPERING,
    (S.WHISPERING, ev.RecordingTold): S.WHISPERING,
    (S.WHISPERING, ev.RecordingRefused): S.WHISPERING,
    (S.WHISPERING, ev.TalkStarted): S.TALKING,
    (S.WHISPERING, ev.WhisperCutOff): S.TALKED,  # the caller waits again, where it was the agent
    (S.TALKING, ev.RingEnded): S.TALKING,  # the others, once one has answered
    (S.CALLING_BACK, ev.RingEnded): S.CALLING_BACK,
    (S.OFFERED, ev.CallBackRung): S.CALLING_BACK,
    (S.CALLING_BACK, ev.TalkStarted): S.TALKING,
    (S.CALLING_BACK, ev.CallBackUnanswered): S.TALKED,
    (S.TALKING, ev.CallBackUnanswered): S.TALKED,  # the two could not be joined: nobody talked
    (S.TALKING, ev.TalkRecordingStarted): S.TALKING,
    (S.TALKING, ev.TalkRecordingPaused): S.TALKING,
    (S.TALKING, ev.TalkRecordingDiscarded): S.TALKING,
    (S.TALKING, ev.TalkRecordingResumed): S.TALKING,
    (S.TALKING, ev.TalkRecordingPauseFailed): S.TALKING,
    (S.TALKING, ev.TalkNotRecorded): S.TALKING,
    (S.TALKING, ev.TalkEnded): S.TALKED,
    (S.TALKING, ev.CallHandedOn): S.IN_MENU,
    (S.TALKING, ev.CallTakenOver): S.TAKEN_OVER,
    (S.TAKEN_OVER, ev.TalkRecordingStarted): S.TAKEN_OVER,
    (S.TAKEN_OVER, ev.TalkNotRecorded): S.TAKEN_OVER,
    (S.TAKEN_OVER, ev.SupervisorLeft): S.TALKED,
    (S.TALKING, ev.CallerParked): S.PARKED,
    (S.PARKED, ev.ColleagueTalks): S.TALKING,
    (S.PARKED, ev.QueueEntered): S.QUEUED,
    (S.PARKED, ev.CallEnded): S.ENDED,
    (S.TALKING, ev.CallerSetAside): S.TALKING,
    (S.TALKING, ev.CallTakenBack): S.TALKING,
    (S.TALKING, ev.ConsultRung): S.TALKING,
    (S.TALKING, ev.ConsultAnswered): S.TALKING,
    (S.TALKING, ev.ConsultEnded): S.TALKING,
    (S.TALKING, ev.ConferenceBegun): S.TALKING,
    (S.TALKING, ev.CallTransferred): S.TRANSFERRING,
    (S.TALKING, ev.HelpAsked): S.TALKING,
    (S.TALKING, ev.HelpOver): S.TALKING,
    (S.TALKING, ev.CallHeld): S.TALKING,
    (S.TALKING, ev.CallResumed): S.TALKING,
    (S.TALKED, ev.QueueEntered): S.QUEUED,  # the two could not be joined: the caller waits again
    (S.TALKED, ev.CallEnded): S.ENDED,
    (S.VOICEMAIL, ev.VoicemailStarted): S.VOICEMAIL,  # greeted again after a restart
    (S.VOICEMAIL, ev.VoicemailEnded): S.IN_MENU,
}


class IllegalMove(Exception):
    """A call's state does not allow this event: a fault of ours."""
