"""No sale lost, none doubled: campaigns of faults against real processes, judged by one oracle (`make torture`).

python -m torture [NAME...]   each prints one JSON line; exit 1 if anything does not hold
SHORT=1                       the short ones, as `make test` runs them
SEED=7                        the same dice again; each line says which it threw
PATIENCE=5                    how many times longer than on a quiet machine a condition is waited for
DATABASE=postgresql           headquarters on a PostgreSQL of its own instead of SQLite
"""
