"""``python -m duologue`` is the ``duologue`` command."""

from duologue.cli import main

if __name__ == "__main__":
    main()
