"""Questions to the internet, and the address that it sees this machine by."""
