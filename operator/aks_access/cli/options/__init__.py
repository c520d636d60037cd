"""What several commands take: flags, arguments, and how a shell completes them."""
