"""HTTP requests to hosts that users name, checked against a policy (SSRF protection) and bounded in size and time."""
