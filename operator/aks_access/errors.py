"""The tree of everything this operator raises on purpose.

AksAccessError
├── SettingsError            a setting is wrong; names it and the way out
├── InputError               what a command was given cannot be used; names it and the way out
├── StartupError             something the operator cannot start without is missing
├── UnsafeWrite              a list that must never be sent to Azure (invariant I1)
├── FenceClosed              a write that this process may not make any more (invariant I6)
├── NoAnswer                 a web server gave no answer, or something else spoke in its place
│   ├── NameUnknown          its name has no address here
│   └── NameUnresolved       the resolver did not tell its address; it may later
├── AzureError               ARM or AKS refused, or did not answer
├── KubeError                the management cluster's API server refused, or did not answer
│   ├── KubeNotFound         the object is gone
│   ├── KubeConflict         the object changed, or is another one than was meant
│   └── KubeForbidden        a right is missing
└── LedgerError              a ledger cannot be used as it is
    ├── LedgerUnreadable     present, but corrupt or of another schema
    │   └── LedgerNewer      a newer operator wrote it: never to be overwritten or deleted
    ├── LedgerTooLarge       would not fit into a ConfigMap
    └── ImportRefused        a ledger cannot be moved here or from here as it is
"""

from enum import StrEnum


class AksAccessError(Exception):
    """Root of the tree."""


class SettingsError(AksAccessError):
    """A setting is missing or wrong."""


class InputError(AksAccessError):
    """What a command of people was given (a file, a value, a revision) cannot be used."""


class StartupError(AksAccessError):
    """Something that the operator cannot start without is missing."""


class UnsafeWrite(AksAccessError):
    """A list that would open or close a cluster against the rules of invariant I1."""


UNSAFE = "UnsafeWrite"
"""`code` of an `AzureError` that stands for an `UnsafeWrite`: Azure was never asked."""


class FenceClosed(AksAccessError):
    """This process no longer holds the Lease for long enough to write."""


class NoAnswer(AksAccessError):
    """A web server that was asked gave no answer; the message says what happened instead."""


class NameUnknown(NoAnswer):
    """The resolver says that the server's name has no address; nobody was asked."""


class NameUnresolved(NoAnswer):
    """The resolver could not tell the server's address, and may be able to later."""


class AzureFault(StrEnum):
    """What kind of answer an `AzureError` stands for; decides what happens next."""

    BUSY = "Busy"  # 409: another operation is running
    CHANGED = "Changed"  # 412, or 409 EtagMismatch: the cluster is not as it was read
    THROTTLED = "Throttled"  # 429
    INVALID = "Invalid"  # 400: the list or another value is refused
    FORBIDDEN = "Forbidden"  # 403
    LOCKED = "Locked"  # 409 ScopeLocked
    STOPPED = "Stopped"  # the cluster is stopped
    NOT_FOUND = "NotFound"  # 404 of the cluster or its group
    NO_CREDENTIAL = "NoCredential"  # no token could be had, or 401
    REFUSED = "Refused"  # another definite 4xx
    UNCERTAIN = "Uncertain"  # time-out, reset or 5xx: may or may not have been applied


class AzureError(AksAccessError):
    """ARM or AKS refused a request, or gave no usable answer.

    Attributes:
        fault: the class of the answer; everything but `UNCERTAIN` is definite: nothing was applied.
        status: HTTP status, or None where there was no answer.
        code: the `code` of either error envelope, or None.
        message: the server's sentence, cut to 1,000 printable characters.
        retry_after: seconds that the server asked to wait, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        fault: AzureFault,
        status: int | None = None,
        code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.fault = fault
        self.status = status
        self.code = code
        self.retry_after = retry_after


class KubeError(AksAccessError):
    """The management cluster's API server refused a request, or did not answer."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class KubeNotFound(KubeError):
    """The object is gone."""


class KubeConflict(KubeError):
    """The object changed meanwhile, or has another uid than was meant."""


class KubeForbidden(KubeError):
    """The ServiceAccount lacks a right."""


class LedgerError(AksAccessError):
    """A ledger cannot be used as it is."""


class LedgerUnreadable(LedgerError):
    """The ledger is there, but corrupt or of another schema.

    Attributes:
        version: of what stands there, to write another one over it; "" = not known.
    """

    def __init__(self, message: str, *, version: str = "") -> None:
        super().__init__(message)
        self.version = version


class LedgerNewer(LedgerUnreadable):
    """A newer operator wrote the ledger: this one must leave it exactly as it is."""


class LedgerTooLarge(LedgerError):
    """The ledger would not fit into a ConfigMap (1 MiB)."""


class ImportRefused(LedgerError):
    """Moving a ledger was refused; the message names both sides, the rule and the way out."""
