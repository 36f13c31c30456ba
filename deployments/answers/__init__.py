"""FAQ matching: exact and keyword matches, and a ranking of similar questions. Pure and synchronous."""
