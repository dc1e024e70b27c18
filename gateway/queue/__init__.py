"""The durable queue: what was sold stays on this disk until headquarters has booked it."""
