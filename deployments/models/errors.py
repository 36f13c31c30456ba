"""What can go wrong while a model is being pulled, worded for the person at the terminal.

PullFailed
├── SourceFailed     one source cannot bring the files; the next one is tried
│   └── NotOnHub     the hub has no such repository or revision
├── Mismatch         bytes differ from what the catalogue or the hub promises
├── DiskFull         not enough space on the file system of the store
├── PullBusy         another process is pulling the same model
└── PullCancelled    stopped on request; what has arrived is kept
"""


class PullFailed(Exception):
    """Base of the tree. ``str(error)`` is one or more sentences without a trace."""


class SourceFailed(PullFailed):
    pass


class FileMismatch(SourceFailed):
    pass


class DiskFull(PullFailed):
    pass


class PullBusy(PullFailed):
    pass


class PullCancelled(PullFailed):
    pass


class NotOnHub(SourceFailed):
    pass
