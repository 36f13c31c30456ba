"""A file here is a Serve deployment or its wiring. A folder holds the parts that deployments are made of."""
