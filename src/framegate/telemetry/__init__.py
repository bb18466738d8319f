"""What is told of each connection to people and programs outside: traces, and an access log.

The gateway calls an :class:`~framegate.telemetry.observer.Observer` where a connection begins, is answered and ends;
nothing here is called for a frame. Where neither traces nor an access log are configured, nothing here is imported but
what writes the log of the process.
"""
