"""Where bytes really move: transports by URL, a session per device, the manager of them all, hosts of simulators."""
