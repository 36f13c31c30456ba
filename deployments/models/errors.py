"""Errors of a pull, with messages for the terminal.

PullFailed
├── SourceFailed     a source failed; the next one is tried
│   ├── NotOnHub     the hub has no such repository or revision
│   └── FileMismatch bytes differ from the size or hash of the catalogue or the hub
├── LicenceNotAccepted the licence restricts the use and was not accepted
├── DiskFull         not enough space on the file system of the store
├── PullBusy         another process is pulling the same model
└── PullCancelled    cancelled; the downloaded part is kept
"""


class PullFailed(Exception):
    """Base class. ``str(error)`` is a message of one or more sentences."""


class SourceFailed(PullFailed):
    pass


class FileMismatch(SourceFailed):
    pass


class LicenceNotAccepted(PullFailed):
    pass


class DiskFull(PullFailed):
    pass


class PullBusy(PullFailed):
    pass


class PullCancelled(PullFailed):
    pass


class NotOnHub(SourceFailed):
    pass
