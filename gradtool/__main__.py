"""``python -m gradtool``, and the console script."""

from gradtool.cli.app import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
