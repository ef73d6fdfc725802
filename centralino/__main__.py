"""`python -m centralino`."""

from centralino.cli import main

main()
