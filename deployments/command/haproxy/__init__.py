"""HAProxy as a process of the console: its configuration, its listening socket and its restarts."""
