"""The box in the store: devices, till, durable queue and the link to headquarters."""
