"""What was tried for speed, small enough to be tried again: ``python -m benchmarks.experiments NAME``.

An experiment is a module with ``run(plan)``, which returns figures, and, where it needs more than the benchmarks do,
``needs()``, which says what is missing. What was decided by them stands in ``docs/decisions``.
"""
