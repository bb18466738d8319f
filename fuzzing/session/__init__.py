"""Fuzzes the session: two peers, a driver in between, and a clock that only moves when it is told to.

``case.py`` makes cases, ``stage.py`` plays them on one build, ``account.py`` says from the reference what had to come
out, and ``check.py`` holds both builds against it.
"""
