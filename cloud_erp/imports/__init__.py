"""Master data from files, CSV or JSON: read, compared with what is known, and taken over as a whole or not at all."""
