"""Commands of the command line that make a board, show it, enter something into it, or list what it is made of."""
