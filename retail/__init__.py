"""The language and the rules that the box and headquarters share. Pure: no I/O, no clock, no threads."""
