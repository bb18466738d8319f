"""What code that plugs into framegate imports: for now the error by which it is told of its mistakes."""

from framegate.errors import PDKError

__all__ = ["PDKError"]
