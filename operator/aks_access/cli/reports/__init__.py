"""What commands that look tell of the operator's reports."""
