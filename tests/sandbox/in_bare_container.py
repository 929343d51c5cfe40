"""As `in_container.py`, and without Landlock."""

from in_container import main

if __name__ == "__main__":
    main(landlock=False)
