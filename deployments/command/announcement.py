"""What ``secretary up`` prints when the secretary is ready: where to sign in, then the addresses."""

from collections.abc import Iterable
from functools import partial

from rich.console import Console

from deployments.administration.office.preparation import FirstCredentials
from deployments.contracts.commands import secretary_command


class Announcement:
    """``url`` is the address of the doors, ``panel`` that of the panel. The first credentials are printed once, because
    they are not stored in plain text."""

    def __init__(self, console: Console, url: str, panel: str) -> None:
        self._print = partial(console.print, markup=False, highlight=False, soft_wrap=True)
        self._url = url
        self._panel = panel
        self.credentials: FirstCredentials | None = None

    def print_ready(self, seconds: float, notes: Iterable[str]) -> None:
        self._print(f"\nReady in {seconds:.0f} s.\n")
        if self.credentials is None or not self.credentials.admin_password:
            self._print(f"Open {self._panel}")
        self.print_credentials()
        self._print(f"\n  OpenAI API   {self._url}/v1")
        self._print(f"  Phone        {self._url.replace('http', 'ws', 1)}/phone/tts")
        self._print(f"  Health       {self._url}/ready")
        for note in notes:
            self._print(f"\n  Note: {note}")
        self._print(f"\nCtrl-C or `{secretary_command('down')}` ends it.\n")

    def print_credentials(self) -> None:
        """Prints the credentials if they have not been printed, also when the start fails."""
        credentials, self.credentials = self.credentials, None
        if credentials is None:
            return
        if credentials.admin_password:
            self._print(f"Open {self._panel} and sign in as admin / {credentials.admin_password}")
        if credentials.api_key:
            self._print(f"API key: {credentials.api_key}")
        self._print("Shown only once. Save them now.")
