"""The bundled plugins, one module or package each; what begins with ``_`` is shared by several and is no plugin.

They are written with what any plugin has: :mod:`framegate.pdk` and libraries, and nothing else of framegate.
"""
