"""The programs that the secretary is compared with. Each runs as a process."""
