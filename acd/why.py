"""The named reasons of the floor's decisions. One name feeds the journal, the metrics and the pages."""

from enum import StrEnum


class Why(StrEnum):
    # offered
    LONGEST_IDLE = "the longest idle agent who is able"
    BEST_SKILL = "the agent with the best skill, then the longest idle"
    LEAST_BUSY = "the able agent who had the least to do today"
    ROUND_ROBIN = "the able agent whose turn it is"
    FIXED_ORDER = "the first able agent in the order of agents.yaml"
    RING_ALL = "all who are able and free are rung"
    # waits
    NOBODY_SIGNED_IN = "nobody is signed in"
    NOBODY_ABLE = "nobody who is here has the skill"
    ALL_BUSY = "everybody who is able is busy"
    ALL_BORROWED = "the free agents of the other site are kept for its own callers"
    NOT_CONNECTED = "no connection to the phone system"
    # an offer ended
    NO_ANSWER = "the phone was not answered"
    NEVER_RANG = "the phone system never said that the phone rings"
    BUSY = "the phone was busy"
    REJECTED = "the agent rejected the call"
    UNREACHABLE = "the phone could not be reached"
    FAILED = "the phone system could not ring the phone"
    CALLER_LEFT = "the caller hung up"
    AGENT_LEFT = "the agent is not ready any more"
    AGENT_RESET = "the agent was reset"
    ANSWERED_ELSEWHERE = "somebody else answered"
    # left the queue
    QUEUE_FULL = "the queue was full"
    WAITED_TOO_LONG = "the longest wait was over"
    CALLER_CHOSE = "the caller pressed a key"
    NOBODY_CAME = "nobody there answered in time"
    QUEUE_GONE = "the queue is no longer in queues.yaml"
    # wrap-up ended
    TIME_OVER = "its time was over"
    AGENT_DONE = "the agent was done"
    TOOK_A_CALL = "the agent took a call of a colleague"
    # a wrap-up was not extended
    NO_WRAP_UP = "there is no wrap-up"
    WRAP_UP_AT_LONGEST = "the wrap-up is as long as the queue allows"
    # a site opened or closed
    HELD_OPEN = "it was opened by hand"
    EMERGENCY = "there is an emergency"
    NOBODY_AT_FIRST_SITE = "nobody able is at the first site"
    CALLER_WAITED_LONG = "a caller has waited long"
    MANY_WAIT = "many callers wait"
    LONG_WAIT_EXPECTED = "a long wait is expected"
    HELD_CLOSED = "it was closed by hand"
    CALM_AGAIN = "its reason has been gone for a while"
