"""Two legs and what happens between them: lanes, closing, limits, times. Sans-I/O.

``session.py`` decides, ``closing.py`` holds the rules of how sessions end, ``timers.py`` those of time. ``_lane.py``,
compiled where there is a compiler, takes the frames of one side to the other. Time is passed in.
"""
