"""The console script ``secretary`` and ``python -m deployments.command``."""

from deployments.command.collector import collect_less_often


def main() -> None:
    """Runs the command named in ``sys.argv``."""
    collect_less_often()
    from deployments.command import main as commands

    commands.main()


if __name__ == "__main__":
    main()
