"""The console script ``secretary`` and ``python -m deployments.command``."""

from deployments.command.garbage_collection import reduce_gc_frequency


def main() -> None:
    """Runs the command named in ``sys.argv``."""
    reduce_gc_frequency()
    from deployments.command import main as commands

    commands.main()


if __name__ == "__main__":
    main()
