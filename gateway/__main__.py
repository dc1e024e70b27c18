"""`python -m gateway` is the command `backroom`."""

from gateway.cli import main

main()
