"""The management cluster, through kubectl."""
