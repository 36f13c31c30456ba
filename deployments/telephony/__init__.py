"""Speech for phone lines: requests in, exact frames out on time. Plain objects; sockets are opened elsewhere."""
