"""Insight into a running gateway: what is counted, how it is told, and the listener that tells it.

It reads what other parts have and changes nothing but the level of the log. Nothing here runs for a frame: lanes count
what they relay anyway, sessions are added up when they end, and those that live when somebody asks.
"""
