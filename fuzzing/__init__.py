"""Fuzzers: random cases against the parts that read what strangers send, each with a closed list of allowed outcomes.

``python -m fuzzing TARGET --seconds 60``. A case is plain JSON, made of a seed; one that fails is cut down and kept in
``corpus/TARGET/``, which the tests replay. Bytes stand in a case as latin-1 text.
"""
