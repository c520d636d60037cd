"""What kubectl's complaints stand for: the error, and the sentence with the way out."""

import pytest

from aks_access.cli.hub.complaints import error_of
from aks_access.errors import InputError, KubeConflict, StartupError

LISTS = "`kubectl config get-contexts` lists what there is."
OTHERS = "Please review the fields above--they currently have other managers."


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("error: cannot locate context gone", f'The kubeconfig has no context "gone". {LISTS}'),
        (
            "error: cannot locate cluster gone",
            f'The kubeconfig has no cluster "gone", which a context or a flag names. {LISTS}',
        ),
        (
            'error: auth info "gone" does not exist',
            f'The kubeconfig has no user "gone", which a context or a flag names. {LISTS}',
        ),
        (
            "Error in configuration: context was not found for specified context: gone",
            f'The kubeconfig has no context "gone". {LISTS}',
        ),
        (
            "Error in configuration: unable to read client-cert a for b due to open a: denied",
            "Error in configuration: unable to read client-cert a for b due to open a: denied. "
            f"{LISTS}",
        ),
        (
            "error: EOF",
            "kubectl asks for a user name, and nobody answers: the kubeconfig has no user for its "
            "context, or nothing to log in by. Name another: --context NAME or --user NAME",
        ),
    ],
)
def test_a_kubeconfig_that_is_wrong_is_named_with_the_way_out(said: str, told: str) -> None:
    error = error_of(said)
    assert (type(error), str(error)) == (InputError, told)


@pytest.mark.parametrize("namespace", ["", "team-a"])
def test_where_no_server_is_known_nobody_is_sent_to_localhost(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aks_access.cli.hub.complaints.pod_namespace", lambda: namespace)
    error = error_of(
        "The connection to the server localhost:8080 was refused - did you specify the right host "
        "or port?"
    )
    assert isinstance(error, StartupError)
    assert "as it does where no kubeconfig names another server" in str(error)
    assert ("unset KUBECONFIG" in str(error)) is bool(namespace)


@pytest.mark.parametrize(
    "said",
    [
        'Error from server (Conflict): Operation cannot be fulfilled on x "g": modified',
        f'error: Apply failed with 1 conflict: conflict with "argocd": .spec.reason {OTHERS}',
        f'error: Operation cannot be fulfilled on x "g": the object has been modified; {OTHERS}',
    ],
)
def test_a_conflict_is_known_whatever_was_tried(said: str) -> None:
    assert isinstance(error_of(said), KubeConflict)
