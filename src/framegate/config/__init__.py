"""The gateway's file: Kong's declarative format for WebSocket services, checked and resolved.

:func:`~framegate.config.load.load` turns a file into a :class:`~framegate.config.configuration.Configuration` or into
every problem it has, each with its line and mend. It knows plugins only through a catalog that it is handed, and no
network.
"""
