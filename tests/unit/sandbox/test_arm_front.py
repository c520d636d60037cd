"""The front door: tokens, api-versions, access, limits, faults, headers and the journal."""

import json
from email.utils import parsedate_to_datetime

import pytest

from sandbox.arm.messages import ArmRequest, ArmResponse
from tests.unit.sandbox.arm_kit import (
    CLIENT,
    CLUSTER,
    GROUP,
    PROVIDER,
    SUBSCRIPTION,
    TENANT,
    Kit,
    code,
)

VERSION = {"api-version": "2026-08-01"}


def with_authorization(kit: Kit, value: str) -> ArmResponse:
    headers = {"authorization": value} if value else {}
    request = ArmRequest(method="GET", path=CLUSTER, query=VERSION, headers=headers)
    return kit.front.handle(request)


def test_no_token(kit: Kit) -> None:
    answer = with_authorization(kit, "")
    assert (answer.status, code(answer)) == (401, "AuthenticationFailed")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer authorization_uri=")


@pytest.mark.parametrize("value", ["Bearer a.b.c", "Bearer x", "Bearer ..", "Bearer é.é.é"])
def test_foreign_token(kit: Kit, value: str) -> None:
    answer = with_authorization(kit, value)
    assert (answer.status, code(answer)) == (401, "InvalidAuthenticationToken")


def test_expired_revoked_and_misdirected_tokens(kit: Kit) -> None:
    token = kit.token()
    assert with_authorization(kit, f"Bearer {token}").status == 200
    kit.clock.advance(3600)
    assert code(with_authorization(kit, f"Bearer {token}")) == "ExpiredAuthenticationToken"
    token = kit.token()
    kit.control.revoke_tokens()
    assert code(with_authorization(kit, f"Bearer {token}")) == "InvalidAuthenticationToken"
    token = kit.token(audience="https://vault.azure.net")
    wrong = with_authorization(kit, f"Bearer {token}")
    assert code(wrong) == "InvalidAuthenticationTokenAudience"


def test_subscription_of_another_tenant(kit: Kit) -> None:
    kit.control.set_tenant(SUBSCRIPTION, tenant_id=TENANT.upper())
    assert kit.call().status == 200
    kit.control.set_tenant(SUBSCRIPTION, tenant_id="33333333-3333-3333-3333-333333333333")
    assert code(kit.call()) == "InvalidAuthenticationTokenTenant"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "MissingApiVersionParameter"),
        ({"api-version": "2020-01-01"}, "NoRegisteredProviderFound"),
        ({"api-version": "2026-08-02-preview"}, "NoRegisteredProviderFound"),
    ],
)
def test_api_version(kit: Kit, query: dict[str, str], expected: str) -> None:
    answer = kit.call(query=query)
    assert (answer.status, code(answer)) == (400, expected)
    assert answer.body["error"]["code"] == expected


def test_known_api_versions_can_be_set(kit: Kit) -> None:
    assert kit.call(query={"api-version": "2025-10-01"}).status == 200
    kit.control.set_world(api_versions=["2025-10-01"])
    assert kit.call().status == 400


def test_missing_group_and_cluster(kit: Kit) -> None:
    missing = kit.call(path=f"{GROUP}/{PROVIDER}/other")
    assert (missing.status, code(missing)) == (404, "ResourceNotFound")
    assert missing.headers["x-ms-failure-cause"] == "gateway"
    kit.control.set_world(missing_from_provider=True)
    bare = kit.call(path=f"{GROUP}/{PROVIDER}/other")
    assert (bare.status, bare.body["code"]) == (404, "NotFound")
    assert bare.body["subcode"] == "GetManagedCluster_NotFound"
    for path in (f"{GROUP}2/{PROVIDER}/other", f"{GROUP}2/{PROVIDER}", f"{GROUP}2"):
        nowhere = kit.call(path=path)
        assert (nowhere.status, code(nowhere)) == (404, "ResourceGroupNotFound")
    kit.control.delete_group(CLUSTER)
    assert code(kit.call()) == "ResourceGroupNotFound"
    assert code(kit.call("PUT", body={"location": "westeurope"})) == "ResourceGroupNotFound"


def test_ids_are_compared_without_case(kit: Kit) -> None:
    assert kit.call(path=CLUSTER.upper()).status == 200
    assert kit.get()["id"].startswith(f"/subscriptions/{SUBSCRIPTION}/resourcegroups/rg/")


@pytest.mark.parametrize("body", [None, [], "text", 5])
def test_body_must_be_an_object(kit: Kit, body: object) -> None:
    answer = kit.call("PUT", body=body)
    assert (answer.status, code(answer)) == (400, "InvalidRequestContent")


def test_read_and_write_are_denied_apart(kit: Kit) -> None:
    kit.control.deny(GROUP, verb="write")
    assert kit.call().status == 200
    answer = kit.put(["20.2.0.0/16"])
    assert (answer.status, code(answer)) == (403, "AuthorizationFailed")
    message = answer.body["error"]["message"]
    assert CLIENT in message
    assert "Microsoft.ContainerService/managedClusters/write" in message
    assert CLUSTER in message
    kit.control.allow(GROUP)
    kit.control.deny(CLUSTER, verb="read", client_id="another")
    assert kit.call().status == 200
    assert kit.call(client="another").status == 403
    kit.control.allow()
    assert kit.call(client="another").status == 200


def test_denial_does_not_reach_a_neighbour(kit: Kit) -> None:
    kit.control.create_cluster(f"{CLUSTER}2")
    kit.control.deny(CLUSTER, verb="read")
    assert kit.call().status == 403
    assert kit.call(path=f"{CLUSTER}2").status == 200


def test_linked_access_and_policy(kit: Kit) -> None:
    kit.control.deny(
        CLUSTER, verb="write", refusal="LinkedAuthorizationFailed", linked_scope="/the/workspace"
    )
    answer = kit.put(["20.2.0.0/16"])
    assert (answer.status, code(answer)) == (403, "LinkedAuthorizationFailed")
    assert "workspaces/sharedkeys/read" in answer.body["error"]["message"]
    assert "'/the/workspace'" in answer.body["error"]["message"]
    kit.control.allow()
    kit.control.deny(CLUSTER, verb="write", refusal="RequestDisallowedByPolicy", policy="p1")
    answer = kit.put(["20.2.0.0/16"])
    assert (answer.status, code(answer)) == (403, "RequestDisallowedByPolicy")
    assert '"p1"' in answer.body["error"]["message"]


def test_locks(kit: Kit) -> None:
    kit.control.lock(GROUP)
    assert kit.call().status == 200
    answer = kit.put(["20.2.0.0/16"])
    assert (answer.status, code(answer)) == (409, "ScopeLocked")
    assert GROUP in answer.body["error"]["message"]
    kit.control.lock(GROUP, level="CanNotDelete")
    assert kit.put(["20.2.0.0/16"]).status == 200
    assert code(kit.call("DELETE")) == "ScopeLocked"
    kit.control.unlock(GROUP)
    assert kit.call("DELETE").status == 202


def test_put_bucket_of_a_cluster(kit: Kit) -> None:
    for _ in range(20):
        assert kit.call("PUT", body=kit.get()).status == 200
        kit.control.finish_operation(CLUSTER)
    answer = kit.call("PUT", body=kit.get())
    assert (answer.status, answer.body["code"]) == (429, "Throttled")
    assert answer.headers["Retry-After"] == "60"
    assert "PutManagedClusterHandler.PUT" in answer.body["message"]
    kit.clock.advance(59)
    assert kit.call("PUT", body=kit.get()).headers["Retry-After"] == "1"
    kit.clock.advance(1)
    assert kit.call("PUT", body=kit.get()).status == 200
    kit.control.create_cluster(f"{CLUSTER}2")
    assert kit.call("PUT", f"{CLUSTER}2", body={"location": "westeurope"}).status == 200


def test_get_bucket_of_a_cluster(kit: Kit) -> None:
    assert [kit.call().status for _ in range(61)] == [200] * 60 + [429]
    kit.clock.advance(1)
    assert [kit.call().status for _ in range(2)] == [200, 429]


def test_arm_bucket_of_a_client(kit: Kit) -> None:
    kit.control.set_limit("aks-get", calls=1000, per_second=100)
    first = kit.call()
    assert first.headers["x-ms-ratelimit-remaining-subscription-reads"] == "249"
    for _ in range(249):
        kit.call()
    answer = kit.call()
    assert (answer.status, code(answer)) == (429, "SubscriptionRequestsThrottled")
    assert answer.headers["Retry-After"] == "1"
    assert answer.headers["x-ms-ratelimit-remaining-subscription-reads"] == "0"
    assert kit.call(client="another").status == 200
    write = kit.put(["20.2.0.0/16"], body=json.loads(json.dumps(first.body)))
    assert write.headers["x-ms-ratelimit-remaining-subscription-writes"] == "199"


def test_limits_are_settable(kit: Kit) -> None:
    kit.control.set_bucket("aks-put", bucket=CLUSTER, calls=0)
    assert kit.put(["20.2.0.0/16"]).status == 429
    kit.control.widen_limits()
    assert {kit.call().status for _ in range(300)} == {200}
    assert kit.put(["20.2.0.0/16"]).status == 200
    assert kit.control.buckets()["aks-get"][CLUSTER.lower()] > 900_000


def test_headers(kit: Kit) -> None:
    answer = kit.call(headers={"x-ms-correlation-request-id": "mine"})
    assert answer.headers["x-ms-correlation-request-id"] == "mine"
    assert answer.headers["x-ms-request-id"] != kit.call().headers["x-ms-request-id"]
    now = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    assert now == kit.clock.wall()
    kit.control.set_world(date_offset=120)
    later = parsedate_to_datetime(kit.call().headers["Date"]).timestamp()
    assert later == now + 120


def test_fault_answers_in_order_and_counts(kit: Kit) -> None:
    kit.control.add_fault(
        method="PUT", path="managedclusters/prod", status=503, code="Busy", skip=1, count=2
    )
    always = kit.control.add_fault(
        method="PUT",
        count=None,
        status=429,
        code="Throttled",
        bare=True,
        headers={"Retry-After": "9"},
    )
    statuses = []
    for _ in range(4):
        answer = kit.call("PUT", body={})
        statuses.append((answer.status, code(answer)))
    assert statuses == [(429, "Throttled"), (503, "Busy"), (503, "Busy"), (429, "Throttled")]
    assert answer.headers["Retry-After"] == "9"
    assert [(rule.matched, rule.hits) for rule in kit.control.faults()] == [(3, 2), (2, 2)]
    assert kit.control.journal()[-1].fault == always
    kit.control.remove_fault(always)
    assert kit.put(["20.2.0.0/16"]).status == 200


def test_fault_by_query_and_with_a_whole_body(kit: Kit) -> None:
    kit.control.add_fault(path=r"api-version=2026", status=200, body={"not": "a cluster"})
    assert kit.call(query={"api-version": "2025-10-01"}).body["name"] == "prod"
    assert kit.call().body == {"not": "a cluster"}


def test_reset_and_lost_answer(kit: Kit) -> None:
    body = kit.get()
    kit.control.add_fault(method="PUT", reset=True)
    kit.control.add_fault(method="PUT", lose_answer=True)
    first = kit.put(["20.2.0.0/16"], body=body)
    assert first.drop
    assert kit.listed() == ["20.1.0.0/24"]
    second = kit.put(["20.2.0.0/16"], body=body)
    assert second.drop
    assert kit.listed() == ["20.2.0.0/16"]
    puts = [entry for entry in kit.control.journal() if entry.method == "PUT"]
    assert [(entry.status, entry.answered) for entry in puts] == [(0, False), (200, False)]
    assert puts[1].after == ["20.2.0.0/16"]


def test_journal(kit: Kit) -> None:
    start = kit.control.last_sequence()
    kit.call(headers={"user-agent": "me"})
    body = kit.get()
    kit.put(["20.2.0.0/16"], body=body, headers={"if-match": f'"{body["eTag"]}"'})
    kit.put(["20.3.0.0/16"], body=body)
    entries = kit.control.journal(since=start)
    assert [entry.sequence for entry in entries] == list(range(start + 1, start + 5))
    assert entries[0].headers == {"user-agent": "me"}
    assert entries[0].body is None
    put = entries[2]
    assert (put.client_id, put.status, put.cluster) == (CLIENT, 200, CLUSTER.lower())
    assert put.headers == {"if-match": f'"{body["eTag"]}"'}
    assert put.body["properties"]["apiServerAccessProfile"]["authorizedIPRanges"] == ["20.2.0.0/16"]
    assert (put.before, put.after) == (["20.1.0.0/24"], ["20.2.0.0/16"])
    assert (put.state, put.time) == ("Updating", kit.clock.wall())
    assert (entries[3].status, entries[3].error) == (409, "OperationNotAllowed")
    assert kit.control.journal(since=start, bodies=False)[2].body is None
    assert "authorization" not in json.dumps([entry.headers for entry in entries])
    assert kit.control.journal(since=entries[-1].sequence) == []


def test_signed_query_is_not_journaled(kit: Kit) -> None:
    kit.follow(kit.put(["20.2.0.0/16"]).headers["Azure-AsyncOperation"])
    assert kit.control.journal()[-1].query == {"api-version": "2025-03-01"}


def test_other_resources(kit: Kit) -> None:
    address = f"{GROUP}/providers/Microsoft.Network/publicIPAddresses/out"
    prefix = f"{GROUP}/providers/Microsoft.Network/publicIPPrefixes/out"
    version = {"api-version": "2024-05-01"}
    missing = kit.call(path=address, query=version)
    assert (missing.status, code(missing)) == (404, "ResourceNotFound")
    kit.control.put_public_ip(address, address="20.9.9.9")
    kit.control.put_public_ip_prefix(prefix, prefix="20.9.8.0/28")
    found = kit.call(path=address.upper(), query=version).body
    assert (found["id"], found["name"]) == (address, "out")
    assert found["properties"]["ipAddress"] == "20.9.9.9"
    assert kit.call(path=prefix, query=version).body["properties"]["ipPrefix"] == "20.9.8.0/28"
    kit.control.put_public_ip(address, address=None)
    assert "ipAddress" not in kit.call(path=address, query=version).body["properties"]
    kit.control.deny(address, verb="read")
    denied = kit.call(path=address, query=version)
    assert "Microsoft.Network/publicIPAddresses/read" in denied.body["error"]["message"]
    kit.control.remove_resource(prefix)
    assert kit.call(path=prefix, query=version).status == 404


def test_subscriptions(kit: Kit) -> None:
    listed = kit.call(path="/subscriptions", query=VERSION).body["value"]
    assert [found["subscriptionId"] for found in listed] == [SUBSCRIPTION]
    assert kit.call(path=f"/subscriptions/{SUBSCRIPTION}", query=VERSION).status == 200
    assert code(kit.call(path="/subscriptions/none", query=VERSION)) == "SubscriptionNotFound"
    assert kit.call(path="/tenants", query=VERSION).body["value"]


def test_reset_goes_back_to_the_start(kit: Kit) -> None:
    token = kit.token()
    kit.control.set_defaults(operation_seconds=99)
    kit.control.set_world(date_offset=5)
    kit.control.widen_limits()
    kit.control.lock(GROUP)
    kit.control.deny(GROUP, verb="read")
    kit.control.add_fault(status=500)
    kit.control.set_identity(only_registered=True, token_lifetime=1)
    kit.control.reset()
    assert (kit.control.clusters(), kit.control.journal(), kit.control.faults()) == ([], [], [])
    kit.control.create_cluster(CLUSTER)
    kit.put(["20.2.0.0/16"])
    kit.clock.advance(3)
    assert kit.get()["properties"]["provisioningState"] == "Succeeded"
    assert with_authorization(kit, f"Bearer {token}").status == 200
