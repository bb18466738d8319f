"""Autobahn's WebSocket test suite through framegate, on both legs, next to a run of the same peers without a proxy."""
