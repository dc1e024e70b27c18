"""Goods that come back: from which sale, what is paid back for them, and never a unit twice."""
