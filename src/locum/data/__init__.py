"""The boundary: tables in, a proposed schema, canonical tables, and the user's own kind of table out."""

from locum.data.demo import demo_path

__all__ = ["demo_path"]
