"""A TLS proxy in front of the API server that makes the faults no API server makes on request."""

from sandbox.apiproxy.calls import Call, Verb
from sandbox.apiproxy.faults import Injection
from sandbox.apiproxy.proxy import ApiProxy

__all__ = ["ApiProxy", "Call", "Injection", "Verb"]
