"""The managed cluster's verbs: GET, LIST, PUT, PATCH, DELETE, start, stop and abort."""

from dataclasses import dataclass
from typing import Any

from sandbox.arm import preconditions
from sandbox.arm.clusters import Cluster
from sandbox.arm.ids import CLUSTER_TYPE, ClusterId
from sandbox.arm.journal import JournalEntry
from sandbox.arm.messages import ArmError, ArmRequest, ArmResponse, JsonObject, aks_error
from sandbox.arm.operations import Kind, Operation, Status
from sandbox.arm.signing import UrlSigner
from sandbox.arm.update import apply_put, new_body
from sandbox.arm.world import FIRST_VERSION_WITH_ETAG, World, record_lists

_PROVIDER = "Microsoft.ContainerService"


@dataclass(slots=True, kw_only=True)
class ManagedClusters:
    """Handles requests that have passed the front door."""

    world: World
    signer: UrlSigner

    def get(self, cluster_id: ClusterId, request: ArmRequest, entry: JournalEntry) -> ArmResponse:
        """Answer the cluster."""
        cluster = self._required(cluster_id)
        entry.state = cluster.provisioning_state
        return ArmResponse(status=200, body=cluster.answer(with_etag=_has_etag(request)))

    def list_page(
        self, *, subscription: str, group: str | None, request: ArmRequest
    ) -> ArmResponse:
        """Answer a page of clusters, without access profiles (Azure/AKS#5224)."""
        if group is not None:
            self._require_group(ClusterId(subscription=subscription, group=group, name=""))
        wanted = [
            cluster
            for cluster in self.world.existing()
            if cluster.id.subscription.lower() == subscription.lower()
            and (group is None or cluster.id.group.lower() == group.lower())
        ]
        token = request.query.get("$skiptoken", "0")
        start = int(token) if token.isdecimal() else 0
        stop = start + self.world.options.page_size
        tagged = _has_etag(request)
        body: JsonObject = {
            "value": [
                cluster.answer(with_etag=tagged, with_access_profile=False)
                for cluster in wanted[start:stop]
            ]
        }
        if stop < len(wanted):
            version = request.query["api-version"]
            query = f"api-version={version}&$skiptoken={stop}"
            body["nextLink"] = f"{self.world.url}{request.path}?{query}"
        return ArmResponse(status=200, body=body)

    def put(self, cluster_id: ClusterId, request: ArmRequest, entry: JournalEntry) -> ArmResponse:
        """Update the cluster, or create it."""
        body = _object(request.body)
        cluster = self.world.cluster(cluster_id.key)
        preconditions.require(request.headers, etag=cluster.etag if cluster else None)
        if cluster is None:
            return self._create(cluster_id, body, entry)
        entry.cluster = cluster.id.key
        cluster.require_idle()
        cluster.require_running("updating")
        before = cluster.ranges
        apply_put(cluster, body, damage=entry.damage)
        operation = self._begin(cluster, Kind.UPDATE, list_before=before)
        record_lists(entry, cluster=cluster, before=before)
        return self._accepted_write(cluster, operation, entry, status=200)

    def patch(self, cluster_id: ClusterId, request: ArmRequest, entry: JournalEntry) -> ArmResponse:
        """Replace the tags; nothing else can be patched."""
        body = _object(request.body)
        cluster = self._required(cluster_id)
        entry.cluster = cluster.id.key
        preconditions.require(request.headers, etag=cluster.etag)
        cluster.require_idle()
        cluster.require_running("updating")
        if set(body) - {"tags"}:
            raise _bad_body(f"a PATCH carries tags only, not {sorted(set(body) - {'tags'})}")
        cluster.body["tags"] = body.get("tags") or {}
        operation = self._begin(cluster, Kind.UPDATE, list_before=cluster.ranges)
        return self._accepted_write(cluster, operation, entry, status=200)

    def delete(
        self, cluster_id: ClusterId, request: ArmRequest, entry: JournalEntry
    ) -> ArmResponse:
        """Start the deletion; 204 when there is nothing to delete."""
        cluster = self.world.cluster(cluster_id.key)
        preconditions.require(request.headers, etag=cluster.etag if cluster else None)
        if cluster is None:
            return ArmResponse(status=204)
        entry.cluster = cluster.id.key
        if cluster.provisioning_state == str(Kind.DELETE):
            cluster.require_idle()
        self._preempt(cluster, "AKSOperationPreemptedByDelete")
        return self._accepted(self._begin(cluster, Kind.DELETE), entry)

    def action(self, cluster_id: ClusterId, name: str, entry: JournalEntry) -> ArmResponse:
        """Start, stop, or abort what runs."""
        cluster = self._required(cluster_id)
        entry.cluster = cluster.id.key
        if name == "abort":
            operation = cluster.operation
            if operation is None or not operation.running:
                raise aks_error(
                    status=400,
                    code="OperationNotAllowed",
                    message="There is no operation in progress that can be aborted.",
                )
            # Recorded: the answer shows the cluster still in the state that is being aborted.
            shown = cluster.answer(with_etag=cluster.options.etag_in_put)
            self._preempt(cluster, "AKSOperationPreempted")
            answer = self._accepted(self._begin(cluster, Kind.ABORT), entry)
            answer.body = shown
            return answer
        cluster.require_idle()
        if name == "stop":
            cluster.require_running("stopping")
            return self._accepted(self._begin(cluster, Kind.STOP), entry)
        if cluster.power_state != "Stopped":
            raise aks_error(
                status=409,
                code="OperationNotAllowed",
                message="managed cluster is in Provisioning State("
                f"{cluster.provisioning_state}) and Power State({cluster.power_state}), "
                "starting cannot be performed",
            )
        return self._accepted(self._begin(cluster, Kind.START), entry)

    def operation(self, operation_id: str, request: ArmRequest) -> ArmResponse:
        """Answer an operation's status."""
        self.signer.require(path=request.path, query=request.query)
        operation = self._operation(operation_id)
        return ArmResponse(status=200, body=operation.answer(), headers=self._pace(operation))

    def operation_result(self, operation_id: str, request: ArmRequest) -> ArmResponse:
        """Answer what `Location` points to: 202 while it runs, then 204."""
        self.signer.require(path=request.path, query=request.query)
        operation = self._operation(operation_id)
        return ArmResponse(status=202 if operation.running else 204, headers=self._pace(operation))

    def _required(self, cluster_id: ClusterId) -> Cluster:
        cluster = self.world.cluster(cluster_id.key)
        if cluster is not None:
            return cluster
        self._require_group(cluster_id)
        if self.world.options.missing_from_provider:
            raise aks_error(
                status=404,
                code="NotFound",
                subcode="GetManagedCluster_NotFound",
                message=f"Could not find managed cluster resource: {cluster_id.name} in "
                f"subscription: {cluster_id.subscription}, resourceGroup: {cluster_id.group}.",
            )
        raise not_found(f"{CLUSTER_TYPE}/{cluster_id.name}", cluster_id.group)

    def _require_group(self, cluster_id: ClusterId) -> None:
        if cluster_id.group_key not in self.world.groups:
            raise ArmError(
                status=404,
                code="ResourceGroupNotFound",
                message=f"Resource group '{cluster_id.group}' could not be found.",
            )

    def _create(self, cluster_id: ClusterId, body: JsonObject, entry: JournalEntry) -> ArmResponse:
        self._require_group(cluster_id)
        stored = new_body(cluster_id, body, new_id=self.world.new_id)
        cluster = Cluster(
            id=cluster_id,
            body=stored.body,
            new_id=self.world.new_id,
            options=self.world.default_options(),
        )
        cluster.set_ranges(stored.ranges)
        cluster.applied = None
        self.world.add(cluster)
        operation = self._begin(cluster, Kind.CREATE)
        record_lists(entry, cluster=cluster, before=None)
        entry.flags.append("created")
        return self._accepted_write(cluster, operation, entry, status=201)

    def _begin(
        self, cluster: Cluster, kind: Kind, *, list_before: list[str] | None = None
    ) -> Operation:
        return self.world.begin(cluster, kind, list_before=list_before)

    def _preempt(self, cluster: Cluster, code: str) -> None:
        operation = cluster.operation
        if operation is not None and operation.running:
            operation.finish(
                status=Status.CANCELED,
                ended=self.world.clock.wall(),
                code=code,
                message="This operation has been preempted by another operation",
            )

    def _operation(self, operation_id: str) -> Operation:
        operation = self.world.operations.get(operation_id.lower())
        if operation is None:
            raise aks_error(
                status=404,
                code="NotFound",
                message=f"Could not find operation: {operation_id}.",
            )
        self.world.cluster(operation.cluster_key)
        return operation

    def _pace(self, operation: Operation) -> dict[str, str]:
        seconds = self.world.options.operation_retry_after
        return {"Retry-After": str(seconds)} if operation.running and seconds is not None else {}

    def _url(self, operation: Operation, kind: str) -> str:
        path = (
            f"/subscriptions/{operation.subscription}/providers/{_PROVIDER}/locations/"
            f"{operation.location}/{kind}/{operation.operation_id}"
        )
        ticks = int(operation.started * 10_000_000) + 621_355_968_000_000_000
        return self.signer.signed(base=self.world.url, path=path, ticks=ticks)

    def _accepted_write(
        self, cluster: Cluster, operation: Operation, entry: JournalEntry, *, status: int
    ) -> ArmResponse:
        entry.operation, entry.state = operation.operation_id, cluster.provisioning_state
        return ArmResponse(
            status=status,
            body=cluster.answer(with_etag=cluster.options.etag_in_put),
            headers={"Azure-AsyncOperation": self._url(operation, "operations")},
        )

    def _accepted(self, operation: Operation, entry: JournalEntry) -> ArmResponse:
        entry.operation = operation.operation_id
        headers = {
            "Azure-AsyncOperation": self._url(operation, "operations"),
            "Location": self._url(operation, "operationresults"),
        }
        return ArmResponse(status=202, headers=headers | self._pace(operation))


def not_found(resource: str, group: str) -> ArmError:
    """Return the front door's 404 for a resource (recorded)."""
    return ArmError(
        status=404,
        code="ResourceNotFound",
        message=f"The Resource '{resource}' under resource group '{group}' was not found. "
        "For more details please go to https://aka.ms/ARMResourceNotFoundFix",
        headers={"x-ms-failure-cause": "gateway"},
    )


def _has_etag(request: ArmRequest) -> bool:
    return request.query.get("api-version", "") >= FIRST_VERSION_WITH_ETAG


def _object(body: Any) -> JsonObject:
    if not isinstance(body, dict):
        raise _bad_body("it is not a JSON object")
    return body


def _bad_body(why: str) -> ArmError:
    return ArmError(
        status=400,
        code="InvalidRequestContent",
        message=f"The request content was invalid and could not be deserialized: '{why}'.",
    )
