"""The gateway: finds the route of a client's request, runs its plugins and relays to its service.

Stands above :mod:`framegate.config`, :mod:`framegate.pdk` and the proxy; only the command line stands above it.
"""
