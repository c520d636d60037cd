"""Lines and tables, on a terminal and in a pipe."""
