"""`python -m sglc` is the command `sglc`."""

from sglc.cli.main import main

if __name__ == "__main__":
    main()
