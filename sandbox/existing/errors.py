"""What ends a demo on somebody's cluster, as a sentence for people."""


class ClusterError(RuntimeError):
    """The cluster cannot be used, or was not left as it was; the message says what to do."""
