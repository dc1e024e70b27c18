"""The conversation with headquarters: the link, what goes up, what comes down, and who is there."""
