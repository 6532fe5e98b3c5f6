"""The command line. Importing it, and ``diffseis --help``, load neither JAX nor ObsPy."""

from diffseis.cli.app import main as main
