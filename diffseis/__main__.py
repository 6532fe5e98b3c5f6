"""``python -m diffseis``."""

from diffseis.cli import main

if __name__ == "__main__":
    main()
