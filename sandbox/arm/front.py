"""The front door: who calls, may they, how often, and which handler answers.

Synchronous and complete: `ArmFront.handle` takes a request and returns the answer, with every
header, and writes the journal. The HTTP server and the tests in virtual time use the same one.
"""

import copy
import re
import uuid
from collections.abc import Mapping
from email.utils import formatdate
from typing import Any
from urllib.parse import urlencode

from sandbox.arm import authorization
from sandbox.arm.access import Verb
from sandbox.arm.authorization import Authorization
from sandbox.arm.buckets import Limit
from sandbox.arm.faults import Fault
from sandbox.arm.ids import CLUSTER_TYPE, ClusterId
from sandbox.arm.inventory import type_of
from sandbox.arm.journal import Area, JournalEntry
from sandbox.arm.linked import links
from sandbox.arm.managed import ManagedClusters
from sandbox.arm.messages import ArmError, ArmRequest, ArmResponse
from sandbox.arm.other import OtherResources
from sandbox.arm.signing import UrlSigner
from sandbox.arm.throttle import Throttle
from sandbox.arm.tokens import Principal, unauthorized
from sandbox.arm.world import World

_CLUSTER = re.compile(
    r"(?P<id>/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\.containerservice"
    r"/managedclusters/[^/]+)(?:/(?P<action>start|stop|abort))?",
    re.IGNORECASE,
)
_LIST = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)(?:/resourcegroups/(?P<group>[^/]+))?"
    r"/providers/microsoft\.containerservice/managedclusters/?",
    re.IGNORECASE,
)
_OPERATION = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/providers/microsoft\.containerservice/locations"
    r"/[^/]+/(?P<kind>operations|operationresults)/(?P<id>[^/]+)",
    re.IGNORECASE,
)
_KEPT_HEADERS = (
    "if-match",
    "if-none-match",
    "user-agent",
    "x-ms-client-request-id",
    "x-ms-correlation-request-id",
)
_VERBS = {"GET": Verb.READ, "PUT": Verb.WRITE, "PATCH": Verb.WRITE, "DELETE": Verb.DELETE}
_SECRETS = frozenset({"t", "c", "s", "h"})


class ArmFront:
    """Answers requests on a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._managed = ManagedClusters(world=world, signer=UrlSigner())
        self._other = OtherResources(world=world)
        self._authorization = Authorization(world=world)
        self._throttle = Throttle(world=world)

    def handle(self, request: ArmRequest, *, fault: Fault | None = None) -> ArmResponse:
        """Return the answer; `fault` is the rule to apply to this request, if any."""
        entry = self._entry(request)
        if fault is not None:
            entry.fault = fault.fault_id
        if fault is not None and fault.answers:
            response = _faulty(fault)
        else:
            response = self._identity_or_arm(request, entry)
            response.drop = fault is not None and fault.lose_answer
        self._finish(request, response, entry)
        self.world.journal.add(entry)
        return response

    def _identity_or_arm(self, request: ArmRequest, entry: JournalEntry) -> ArmResponse:
        form = request.body if isinstance(request.body, dict) else {}
        answer = self.world.directory.answer(
            base=self.world.url,
            method=request.method,
            path=request.path,
            form=form,
            now=self.world.clock.wall(),
        )
        if answer is not None:
            entry.area = Area.IDENTITY
            entry.client_id = str(form.get("client_id", ""))
            return answer
        if request.method in {"PUT", "PATCH"}:
            entry.body = copy.deepcopy(request.body)
        try:
            return self._arm(request, entry)
        except ArmError as error:
            return error.response()

    def _arm(self, request: ArmRequest, entry: JournalEntry) -> ArmResponse:
        principal = self._principal(request, entry)
        _require_api_version(request)
        self._throttle.arm(request.method, request.path, principal)
        if match := _OPERATION.fullmatch(request.path):
            return self._operation(match, request, principal, entry)
        if match := authorization.PATH.fullmatch(request.path):
            _require_method(request, "GET")
            return self._authorization.answer(match, principal)
        if match := _LIST.fullmatch(request.path):
            return self._list(match, request, principal, entry)
        if match := _CLUSTER.fullmatch(request.path):
            return self._cluster(match, request, principal, entry)
        scope = request.path
        self._require(entry, principal, Verb.READ, scope, type_of(scope))
        return self._other.answer(request)

    def _principal(self, request: ArmRequest, entry: JournalEntry) -> Principal:
        principal = self.world.tokens.principal(
            authorization=request.headers.get("authorization", ""), now=self.world.clock.wall()
        )
        entry.client_id, entry.object_id = principal.client_id, principal.object_id
        parts = request.path.lower().split("/")
        tenant = self.world.tenants.get(parts[2]) if len(parts) > 2 else None
        if tenant is not None and tenant.lower() != principal.tenant_id.lower():
            raise unauthorized(
                "InvalidAuthenticationTokenTenant",
                f"The access token is from the wrong issuer '{principal.tenant_id}'. It must "
                f"match the tenant '{tenant}' associated with this subscription.",
            )
        return principal

    def _require(
        self,
        entry: JournalEntry,
        principal: Principal,
        verb: Verb,
        scope: str,
        resource_type: str,
    ) -> None:
        entry.action = f"{resource_type}/{verb}"
        self.world.access.require(
            principal=principal, verb=verb, scope=scope, resource_type=resource_type
        )

    def _operation(
        self,
        match: re.Match[str],
        request: ArmRequest,
        principal: Principal,
        entry: JournalEntry,
    ) -> ArmResponse:
        resource_type = f"Microsoft.ContainerService/locations/{match['kind'].lower()}"
        self._require(entry, principal, Verb.READ, request.path, resource_type)
        self._throttle.aks(Limit.AKS_OPERATION, match["subscription"])
        if match["kind"].lower() == "operations":
            return self._managed.operation(match["id"], request)
        return self._managed.operation_result(match["id"], request)

    def _list(
        self,
        match: re.Match[str],
        request: ArmRequest,
        principal: Principal,
        entry: JournalEntry,
    ) -> ArmResponse:
        subscription, group = match["subscription"], match["group"]
        _require_method(request, "GET")
        scope = f"/subscriptions/{subscription}"
        scope += f"/resourceGroups/{group}" if group else ""
        self._require(entry, principal, Verb.READ, scope, CLUSTER_TYPE)
        self._require_registered(request)
        limit = Limit.AKS_LIST_GROUP if group else Limit.AKS_LIST_SUBSCRIPTION
        self._throttle.aks(limit, scope)
        return self._managed.list_page(subscription=subscription, group=group, request=request)

    def _cluster(
        self,
        match: re.Match[str],
        request: ArmRequest,
        principal: Principal,
        entry: JournalEntry,
    ) -> ArmResponse:
        cluster_id = ClusterId.parse(match["id"])
        entry.cluster = cluster_id.key
        if action := match["action"]:
            _require_method(request, "POST")
            kind = f"{CLUSTER_TYPE}/{action.lower()}"
            self._require(entry, principal, Verb.ACTION, cluster_id.path, kind)
            self._require_registered(request)
            self._throttle.aks(Limit.AKS_OTHER, cluster_id.subscription)
            return self._managed.action(cluster_id, action.lower(), entry)
        _require_method(request, *_VERBS)
        self._require(entry, principal, _VERBS[request.method], cluster_id.path, CLUSTER_TYPE)
        if request.method == "PUT" and isinstance(request.body, dict):
            self.world.access.require_linked(
                principal=principal,
                action=entry.action,
                scope=cluster_id.path,
                links=links(request.body),
            )
        self._require_registered(request)
        match request.method:
            case "GET":
                self._throttle.aks(Limit.AKS_GET, cluster_id.key)
                return self._managed.get(cluster_id, request, entry)
            case "PUT":
                self._throttle.aks(Limit.AKS_PUT, cluster_id.key)
                return self._managed.put(cluster_id, request, entry)
            case "PATCH":
                self._throttle.aks(Limit.AKS_OTHER, cluster_id.subscription)
                return self._managed.patch(cluster_id, request, entry)
            case _:
                self._throttle.aks(Limit.AKS_OTHER, cluster_id.subscription)
                return self._managed.delete(cluster_id, request, entry)

    def _require_registered(self, request: ArmRequest) -> None:
        version = request.query["api-version"]
        known = self.world.options.api_versions
        if version not in known:
            raise ArmError(
                status=400,
                code="NoRegisteredProviderFound",
                message="No registered resource provider found for location '' and API version "
                f"'{version}' for type 'managedClusters'. The supported api-versions are "
                f"'{', '.join(known)}'.",
            )

    def _entry(self, request: ArmRequest) -> JournalEntry:
        entry = self.world.entry(area=Area.ARM, method=request.method, path=request.path)
        entry.query = {k: v for k, v in request.query.items() if k not in _SECRETS}
        entry.headers = {k: v for k, v in request.headers.items() if k in _KEPT_HEADERS}
        return entry

    def _finish(self, request: ArmRequest, response: ArmResponse, entry: JournalEntry) -> None:
        entry.status = response.status
        entry.answered = not response.drop
        entry.error = _code_of(response.body) if response.status >= 400 else ""
        ours = str(uuid.uuid4())
        headers = {
            "Cache-Control": "no-cache",
            "Pragma": "no-cache",
            "Expires": "-1",
            "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
            "X-Content-Type-Options": "nosniff",
            "x-ms-request-id": ours,
            "x-ms-correlation-request-id": request.headers.get("x-ms-correlation-request-id", ours),
            "Date": formatdate(
                self.world.clock.wall() + self.world.options.date_offset, usegmt=True
            ),
        }
        if entry.area is Area.ARM and entry.object_id:
            headers |= self._throttle.headers(request.method, request.path, entry.object_id)
        response.headers = headers | response.headers


def path_and_query(path: str, query: Mapping[str, str]) -> str:
    """Return what fault rules match on."""
    return f"{path}?{urlencode(query)}" if query else path


def _faulty(fault: Fault) -> ArmResponse:
    if fault.status is None:
        return ArmResponse(status=0, drop=True)
    if fault.body is not None or not fault.code:
        return ArmResponse(status=fault.status, body=fault.body, headers=dict(fault.headers))
    error = ArmError(
        status=fault.status,
        code=fault.code,
        message=fault.message,
        bare=fault.bare,
        headers=fault.headers,
    )
    return error.response()


def _code_of(body: Any) -> str:
    if not isinstance(body, dict):
        return ""
    inner = body.get("error", body)
    if isinstance(inner, str):
        return inner
    code = inner.get("code", "") if isinstance(inner, dict) else ""
    return str(code)


def _require_api_version(request: ArmRequest) -> None:
    if not request.query.get("api-version"):
        raise ArmError(
            status=400,
            code="MissingApiVersionParameter",
            message="The api-version query parameter (?api-version=) is required for all requests.",
        )


def _require_method(request: ArmRequest, *methods: str) -> None:
    if request.method not in methods:
        raise ArmError(
            status=405,
            code="MethodNotAllowed",
            message=f"The requested resource does not support http method '{request.method}'.",
        )
