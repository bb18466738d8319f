"""Bytes and frames: parsing, masking, UTF-8, close payloads (RFC 6455). Sans-I/O.

Knows no sockets, event loops, clocks or logs, and nothing of the other direction. ``_parser.py`` and ``_octets.py`` are
compiled where there is a compiler; :func:`framegate._build.pick` gives the build that runs.
"""
