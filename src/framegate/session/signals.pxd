cdef enum:
    OK = 0
    WAITING = 1
    CLOSED = 2
    SWALLOWED = 3
    BROKEN = 4
    HOOK_FAILED = 5
    CLOSE_SEEN = 6
    RELAY = 0
    FINISH = 1
    DISCARD = 2
    DONE = 3
