"""The file's shape: one model an entity, from which the checks, the JSON Schema and the reference page are made.

A model knows one entity and what its fields may hold. What holds between entities, and what it is all for, is not here.
"""
