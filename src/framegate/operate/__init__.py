"""Running the gateway as a service: workers and their supervisor, reload, drain, and the service manager's protocol.

It owns processes, signals and sockets that are handed around. It knows no frames, and nothing of the command line: what
is to be said to people is given to it as a function.
"""
