"""What the secretary is compared with. Each file runs as a process of its own."""
