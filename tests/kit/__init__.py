"""What the tests are written with: raw peers, scripted upstreams, a running gateway, certificates.

Nothing here uses framegate's own codec, so that a mistake there cannot hide itself.
"""
