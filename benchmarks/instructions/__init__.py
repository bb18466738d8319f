"""How many instructions the hot loops take: counted by valgrind for fixed bytes, and held against recorded figures.

Unlike time, the count is the same on a busy machine: a drift of some per cent shows, which no benchmark would tell from
noise. What a count does not tell is what an instruction costs: caches, branches and the kernel are for the benchmarks.

From the top of the source tree, with the Python that has framegate (half a minute; valgrind is Debian's package):

``python -m benchmarks.instructions``
    checks. Over its margin: says what it was, and exits with 1. Far below: says so, for the gain to be recorded.
``python -m benchmarks.instructions --record``
    writes the new figures for this kind of Python. Say in the commit why the cost is meant.
``python -m benchmarks.instructions --show``
    prints the counts alone.
"""
