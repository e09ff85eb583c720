"""``python -m archprof``, where the command is not on the path."""

from archprof.cli import main

if __name__ == "__main__":
    main()
