"""Entry point of the command `routee` and of `python -m routee_async`."""

import sys


def main() -> None:
    """Run the command, or say how to install it."""
    try:
        from routee_async import cli  # noqa: PLC0415 - it is an optional extra
    except ImportError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in {"cyclopts", "rich"}:
            raise
        sys.exit("routee: this command needs an extra; install it with: pip install 'routee-async[cli]'")
    sys.exit(cli.main())


if __name__ == "__main__":
    main()
