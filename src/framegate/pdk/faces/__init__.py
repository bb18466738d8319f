"""What stands behind ``kong.<noun>``: one file a noun, and the rules that several of them share.

A face reads and writes the :class:`~framegate.pdk.exchange.Exchange` and holds no state that another face needs. Each
public function tells in its docstring what it gives, the phases it may be called in, and where its meaning comes from;
``docs/pdk.md`` is made of that.
"""
