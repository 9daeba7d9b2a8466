"""Commands of the command line that need no board, and the options that all commands share."""
