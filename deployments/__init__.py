"""The rooms of the secretary: a file here is a Serve deployment, a folder is what deployments are made of."""
