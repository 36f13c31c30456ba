"""Schema revisions, applied by ``storage.migrate``."""
