"""What forwarding WebSocket frames costs: framegate beside nginx and a hand-rolled relay, in one run.

`python -m benchmarks` from the top of the source tree; README.md beside this file says what the figures mean.
"""
