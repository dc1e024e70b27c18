"""How a scanner set up for a country types the 95 printable ASCII characters: one stroke each, in the order of ASCII.

A stroke is a Linux key code, then s for Shift, a for AltGr, d where the key is dead and a space must follow; - where
the keyboard cannot type it, so that the scanner falls back on Alt and the keypad.

Source: xkeyboard-config 2.35, symbols/us, gb, de, ch, fr, be, it, es, read by a program; where Windows types it with
        another key (ch | ] }; fr < > ~ `; be [ ] { } \\; it [ ] { } @ # ` ~; es < > [ ] { } ~ \\), Windows' key.
"""

from __future__ import annotations

STROKES: dict[str, str] = {
    "us": """
        57 2s 40s 4s 5s 6s 8s 40 10s 11s 9s 13s 51 12 52 53 11 2 3 4 5 6 7 8
        9 10 39s 39 51s 13 52s 53s 3s 30s 48s 46s 32s 18s 33s 34s 35s 23s 36s 37s 38s 50s 49s 24s
        25s 16s 19s 31s 20s 22s 47s 17s 45s 21s 44s 26 43 27 7s 12s 41 30 48 46 32 18 33 34
        35 23 36 37 38 50 49 24 25 16 19 31 20 22 47 17 45 21 44 26s 43s 27s 41s""",
    "gb": """
        57 2s 3s 43 5s 6s 8s 40 10s 11s 9s 13s 51 12 52 53 11 2 3 4 5 6 7 8
        9 10 39s 39 51s 13 52s 53s 40s 30s 48s 46s 32s 18s 33s 34s 35s 23s 36s 37s 38s 50s 49s 24s
        25s 16s 19s 31s 20s 22s 47s 17s 45s 21s 44s 26 86 27 7s 12s 41 30 48 46 32 18 33 34
        35 23 36 37 38 50 49 24 25 16 19 31 20 22 47 17 45 21 44 26s 86s 27s 43s""",
    "de": """
        57 2s 3s 43 5s 6s 7s 43s 9s 10s 27s 27 51 53 52 8s 11 2 3 4 5 6 7 8
        9 10 52s 51s 86 11s 86s 12s 16a 30s 48s 46s 32s 18s 33s 34s 35s 23s 36s 37s 38s 50s 49s 24s
        25s 16s 19s 31s 20s 22s 47s 17s 45s 44s 21s 9a 12a 10a 41d 53s 13sd 30 48 46 32 18 33 34
        35 23 36 37 38 50 49 24 25 16 19 31 20 22 47 17 45 44 21 8a 86a 11a 27a""",
    "ch": """
        57 27s 3s 4a 43 6s 7s 12 9s 10s 4s 2s 51 53 52 8s 11 2 3 4 5 6 7 8
        9 10 52s 51s 86 11s 86s 12s 3a 30s 48s 46s 32s 18s 33s 34s 35s 23s 36s 37s 38s 50s 49s 24s
        25s 16s 19s 31s 20s 22s 47s 17s 45s 44s 21s 26a 86a 27a 13d 53s 13sd 30 48 46 32 18 33 34
        35 23 36 37 38 50 49 24 25 16 19 31 20 22 47 17 45 44 21 40a 8a 43a 13ad""",
    "fr": """
        57 53 4 4a 27 40s 2 5 6 12 43 13s 50 7 51s 52s 11s 2s 3s 4s 5s 6s 7s 8s
        9s 10s 52 51 86 13 86s 50s 11a 16s 48s 46s 32s 18s 33s 34s 35s 23s 36s 37s 38s 39s 49s 24s
        25s 30s 19s 31s 20s 22s 47s 44s 45s 21s 17s 6a 9a 12a 10a 9 8ad 16 48 46 32 18 33 34
        35 23 36 37 38 39 49 24 25 30 19 31 20 22 47 44 45 21 17 5a 7a 13a 3ad""",
    "be": """
        57 9 4 4a 27 40s 2 5 6 12 27s 53s 50 13 51s 52s 11s 2s 3s 4s 5s 6s 7s 8s
        9s 10s 52 51 86 53 86s 50s 3a 16s 48s 46s 32s 18s 33s 34s 35s 23s 36s 37s 38s 39s 49s 24s
        25s 30s 19s 31s 20s 22s 47s 44s 45s 21s 17s 26a 86a 27a 7a 13s 43ad 16 48 46 32 18 33 34
        35 23 36 37 38 39 49 24 25 30 19 31 20 22 47 44 45 21 17 10a 2a 11a 53ad""",
    "it": """
        57 2s 3s 40a 5s 6s 7s 12 9s 10s 27s 27 51 53 52 8s 11 2 3 4 5 6 7 8
        9 10 52s 51s 86 11s 86s 12s 39a 30s 48s 46s 32s 18s 33s 34s 35s 23s 36s 37s 38s 50s 49s 24s
        25s 16s 19s 31s 20s 22s 47s 17s 45s 21s 44s 26a 41 27a 13s 53s - 30 48 46 32 18 33 34
        35 23 36 37 38 50 49 24 25 16 19 31 20 22 47 17 45 21 44 26as 41s 27as -""",
    "es": """
        57 2s 3s 4a 5s 6s 7s 12 9s 10s 27s 27 51 53 52 8s 11 2 3 4 5 6 7 8
        9 10 52s 51s 86 11s 86s 12s 3a 30s 48s 46s 32s 18s 33s 34s 35s 23s 36s 37s 38s 50s 49s 24s
        25s 16s 19s 31s 20s 22s 47s 17s 45s 21s 44s 26a 41a 27a 26sd 53s 26d 30 48 46 32 18 33 34
        35 23 36 37 38 50 49 24 25 16 19 31 20 22 47 17 45 21 44 40a 2a 43a 5ad""",
}
