"""`python -m hwcost` is the command line."""

from hwcost.cli.app import main

main()
