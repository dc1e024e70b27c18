"""The local API and its pages, for tills, technicians and a shop's own POS. Loopback unless a token guards it."""
