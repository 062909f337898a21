"""`python -m newsclust`: the command line, for who knows the interpreter and not the script."""

from newsclust.cli import main

main()
