"""Azure for people's commands: the way there, clusters to adopt, addresses that nodes leave by."""
