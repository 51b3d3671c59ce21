"""The command line: argv in, exit code out. One file a command; nothing heavy is imported before a command runs."""
