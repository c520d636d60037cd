"""An API server's list, cut into its objects without parsing them."""

import msgspec


class _Metadata(msgspec.Struct):
    more: str = msgspec.field(default="", name="continue")


class Listed(msgspec.Struct):
    """The objects, each as JSON."""

    items: list[msgspec.Raw]
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)

    @property
    def whole(self) -> bool:
        """Whether these are all."""
        return not self.metadata.more


def listed(text: bytes) -> Listed:
    """Raises ValueError where it is no list."""
    text.decode()  # what is cut out is not looked into
    try:
        return msgspec.json.decode(text, type=Listed)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from error
