"""What the operator makes of a cluster's list, and what files would change about that."""
