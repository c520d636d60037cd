"""Settings: where values come from, what is refused and in which words, and the page about them."""

import dataclasses

import pytest

from aks_access.errors import SettingsError
from aks_access.settings import kubernetes
from aks_access.settings.azure import AzureCredential
from aks_access.settings.forms import format_seconds, parse_seconds
from aks_access.settings.monitoring import LogFormat
from aks_access.settings.table import SETTINGS, Settings, unknown_variables


def load(**given: str) -> Settings:
    return Settings.load(
        given={name.replace("_", "-"): text for name, text in given.items()}, environment={}
    )


def from_variables(**environment: str) -> Settings:
    return Settings.load(given={}, environment=environment)


def refused(**given: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(**given)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_the_defaults_are_those_of_the_design():
    settings = Settings()
    assert (settings.lease_duration, settings.renew_deadline, settings.retry_period) == (30, 20, 5)
    assert settings.put_timeout == 20
    assert (settings.first_poll, settings.poll_interval) == (45, 15)
    assert (settings.drift_interval, settings.revocation_bound) == (600, 900)
    assert (settings.settle_window, settings.settle_limit) == (1, 5)
    assert settings.retention == 24 * 3600
    assert settings.azure_endpoint == "https://management.azure.com"
    assert settings.azure_scope == "https://management.azure.com/.default"
    assert settings.azure_credential is AzureCredential.WORKLOAD_IDENTITY
    assert settings.management_egress == ()
    assert settings.kubeconfig is None


def test_a_flag_wins_over_its_variable_and_the_variable_over_the_default():
    environment = {"AKS_ACCESS_WORKERS": "3", "AKS_ACCESS_LOG_FORMAT": "text"}
    settings = Settings.load(given={"workers": "4"}, environment=environment)
    assert settings.workers == 4
    assert settings.log_format is LogFormat.TEXT


def test_an_empty_variable_counts_as_absent():
    assert from_variables(AKS_ACCESS_WORKERS="").workers == Settings().workers


def test_an_empty_flag_does_not():
    assert "--workers" in refused(workers="")


def test_the_scope_follows_the_endpoint_unless_it_is_given():
    china = load(azure_endpoint="https://management.chinacloudapi.cn/")
    assert china.azure_scope == "https://management.chinacloudapi.cn/.default"
    scope = "https://management.core.usgovcloudapi.net/.default"
    government = load(azure_endpoint="https://management.usgovcloudapi.net", azure_scope=scope)
    assert government.azure_scope == scope


@pytest.mark.parametrize("host", ["https://login.microsoftonline.us/", "login.microsoftonline.us"])
def test_the_authority_comes_from_what_the_workload_identity_webhook_sets(host):
    settings = from_variables(AZURE_AUTHORITY_HOST=host)
    assert settings.azure_authority == "https://login.microsoftonline.us"


def test_an_authority_from_the_surroundings_is_checked_too():
    with pytest.raises(SettingsError, match=r"AZURE_AUTHORITY_HOST.*http://login.*https"):
        from_variables(AZURE_AUTHORITY_HOST="http://login.example")


def test_the_namespace_is_the_service_accounts(tmp_path, monkeypatch):
    file = tmp_path / "namespace"
    file.write_text("team-platform\n")
    monkeypatch.setattr(kubernetes, "NAMESPACE_FILE", file)
    assert load().namespace == "team-platform"
    monkeypatch.setattr(kubernetes, "NAMESPACE_FILE", tmp_path / "absent")
    assert load().namespace == "aks-access-system"


def test_the_identity_is_the_pod_and_without_one_tells_processes_apart():
    assert from_variables(POD_NAME="operator-0").identity == "operator-0"
    assert load().identity == Settings().identity != ""


def test_management_egress_is_read_in_order_without_duplicates():
    settings = load(management_egress="81.2.69.142, 81.2.70.0/24,,81.2.69.142/32")
    assert [str(each) for each in settings.management_egress] == [
        "81.2.69.142/32",
        "81.2.70.0/24",
    ]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("4h30m", 16200), ("90m", 5400), ("20s", 20), ("500ms", 0.5), ("0.5s", 0.5), ("10ms", 0.01)],
)
def test_durations_are_seconds(text, seconds):
    assert parse_seconds(text) == seconds
    assert parse_seconds(format_seconds(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "0s", "0ms", "9ms", "20", "-5s", "1.5h", "1d", "9999h"])
def test_what_is_no_duration_is_refused(text):
    message = refused(poll_interval=text)
    assert message.startswith("--poll-interval: ")
    assert " write " in message or "longest allowed" in message


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("azure_endpoint", "http://management.azure.com", "https"),
        ("azure_endpoint", "https://", "https"),
        ("azure_endpoint", "https://u@host", "user name"),
        ("azure_endpoint", "https://[::1", "https://host"),
        ("azure_endpoint", "https://host:99999", "https://host"),
        ("azure_scope", "https://management.azure.com", "/.default"),
        ("azure_ca_file", "/nowhere/ca.pem", "mend the path"),
        ("azure_instance_discovery", "maybe", "true or false"),
        ("azure_credential", "password", "workload-identity"),
        ("azure_api_version", "latest", "2025-10-01"),
        ("namespace", "Team", "lower-case"),
        ("kubeconfig", "/nowhere/config", "mend the path"),
        ("context", "two\nlines", "unprintable"),
        ("workers", "0", "1 to 256"),
        ("workers", "257", "1 to 256"),
        ("health_port", "65536", "0 to 65535"),
        ("management_egress", "10.0.0.0/8", "10.0.0.0/8"),
        ("management_egress", "81.2.69.1/24", "81.2.69.1/24"),
        ("management_egress", "0.0.0.0/0", "every address"),
        ("argocd_instance_label", "a b", "label key"),
        ("log_level", "loud", "debug, info"),
    ],
)
def test_a_wrong_value_is_refused_with_its_flag_and_the_way_out(name, text, words):
    message = refused(**{name: text})
    assert message.startswith(f"--{name.replace('_', '-')}: ")
    assert words in message


def test_a_wrong_variable_is_named():
    with pytest.raises(SettingsError, match=r"^AKS_ACCESS_WORKERS: many is no whole number"):
        from_variables(AKS_ACCESS_WORKERS="many")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"renew_deadline": "30s"}, "--renew-deadline (AKS_ACCESS_RENEW_DEADLINE)"),
        ({"retry_period": "20s"}, "--retry-period"),
        ({"put_timeout": "21s"}, "--put-timeout"),
        ({"lease_duration": "25s"}, "--put-timeout"),
        ({"lease_duration": "30500ms"}, "--lease-duration"),
        ({"lease_duration": "601s"}, "--lease-duration"),
        ({"settle_window": "6s"}, "--settle-limit"),
    ],
)
def test_values_that_contradict_each_other_are_refused(given, name):
    assert refused(**given).startswith(name)


def test_the_sandboxs_pace_is_accepted():
    settings = load(
        lease_duration="3s",
        renew_deadline="2s",
        retry_period="500ms",
        put_timeout="2s",
        first_poll="0.25s",
        settle_window="50ms",
        settle_limit="200ms",
    )
    assert settings.settle_window == 0.05


def test_a_replaced_setting_is_checked_as_well():
    with pytest.raises(SettingsError, match="renew-deadline"):
        dataclasses.replace(Settings(), renew_deadline=60.0)


def test_a_slip_in_a_variables_name_is_told_and_service_links_are_not():
    environment = {
        "AKS_ACCESS_LEASE_DURATON": "30s",
        "AKS_ACCESS_OPERATOR_SERVICE_HOST": "10.0.0.1",
        "AKS_ACCESS_OPERATOR_SERVICE_PORT_HEALTH": "8080",
        "AKS_ACCESS_OPERATOR_PORT": "tcp://10.0.0.1:8080",
        "AKS_ACCESS_OPERATOR_PORT_8080_TCP_ADDR": "10.0.0.1",
        "AKS_ACCESS_WORKERS": "1",
        "PATH": "/bin",
    }
    (sentence,) = unknown_variables(environment)
    assert sentence == (
        "The variable AKS_ACCESS_LEASE_DURATON is no setting and has no effect; "
        "did you mean AKS_ACCESS_LEASE_DURATION?"
    )


def test_every_setting_is_described_and_has_a_name_of_its_own():
    assert len({setting.variable for setting in SETTINGS}) == len(SETTINGS)
    for setting in SETTINGS:
        assert setting.description.endswith("."), setting.name
        assert setting.default or setting.default_words or setting.name == "management-egress"
