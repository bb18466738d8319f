"""A soak test: a gateway and a proxy under good and bad clients for a while, and what they keep of it.

``python -m soak --seconds 120``. It prints descriptors, threads, tasks and memory before and after, and fails where
they did not return.
"""
