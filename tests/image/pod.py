"""The operator as the chart deploys it, from the image: a pod without a node.

Helm renders the Deployment; its command, variables, volumes and limits are the container's. What a
kubelet and the workload identity webhook add is added here: the ServiceAccount's token, where the
API server is, and the identity.
"""

import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from sandbox import chart
from sandbox.arm.process import ArmProcess
from sandbox.controlplane import ControlPlane
from sandbox.operator import OperatorProcess
from sandbox.processes import wait_until
from tests.image.builds import Image
from tests.image.container import USER, Container, first_process
from tests.integration.chart_values import Documents, container, documents, one_of, pod
from tests.integration.station import Station

ACCOUNT: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
IDENTITY_TOKEN: Final = "/var/run/secrets/azure/tokens/azure-identity-token"

_OF_THE_POD: Final = ("kubeconfig", "namespace", "identity")
"""Settings that a pod has from its surroundings."""
_VALUES: Final = {"azure_endpoint": "endpoint", "azure_authority": "authorityHost"}
"""Settings that are values of the chart, under `azure`."""
_START_SECONDS: Final = 20.0


class Pod(OperatorProcess):
    """An operator in a container; its settings go through the chart's values.

    `before` stands before the chart's command, such as `("env", "-u", "HOME")`; `user` runs it
    instead of the image's.
    """

    def __init__(
        self,
        *,
        image: Image,
        plane: ControlPlane,
        arm: ArmProcess,
        before: tuple[str, ...] = (),
        user: int = USER,
        **settings: str,
    ) -> None:
        self._image, self._plane, self._before, self._user = image, plane, before, user
        super().__init__(plane=plane, arm=arm, name="pod", **settings)
        self._first: int | None = None
        wait_until(self._runs, what=f"{self.name} to run", timeout=_START_SECONDS, interval=0.01)

    @property
    def pid(self) -> int:
        """This machine's id of the container's PID 1."""
        assert self._first is not None
        return self._first

    @property
    def starter(self) -> int:
        """The process that everything of the container ends with."""
        return self._process.pid

    @property
    def grace(self) -> float:
        """Seconds that a kubelet leaves between SIGTERM and SIGKILL."""
        return float(pod(self._objects)["spec"]["terminationGracePeriodSeconds"])

    @property
    def memory(self) -> int:
        """The chart's limit, in bytes."""
        limit = str(container(self._objects)["resources"]["limits"]["memory"])
        assert limit.endswith("Mi"), limit
        return int(limit.removesuffix("Mi")) * 2**20

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the container's PID 1."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def _runs(self) -> bool:
        self._process.ensure_running()
        self._first = first_process(self._process.pid)
        return self._first is not None

    def _command(self) -> list[str]:
        self._objects = self._rendered()
        deployed = container(self._objects)
        return Container(
            image=self._image,
            command=[*self._before, *deployed["command"], *deployed["args"]],
            environment={**self._variables(deployed), **self._injected()},
            files={**_config_maps(self._objects), **self._tokens()},
            memory=self.memory,
            user=self._user,
        ).bundle()

    def _rendered(self) -> Documents:
        settings = dict(self.invocation.settings)
        for name in _OF_THE_POD:
            del settings[name]
        values = {
            "azure": {value: settings.pop(name) for name, value in _VALUES.items()},
            "extraCA": {"pem": Path(settings.pop("azure_ca_file")).read_text()},
            "operator": {
                "extraArgs": [f"--{name.replace('_', '-')}={it}" for name, it in settings.items()]
            },
            "crds": {"install": False},
        }
        file = self._image.scratch.path / f"{self.name}.values.yaml"
        file.write_text(yaml.safe_dump(values))
        return documents(chart.render("--values", str(file)))

    def _variables(self, deployed: Mapping[str, Any]) -> dict[str, str]:
        fields = {"metadata.name": self.name, "metadata.namespace": chart.NAMESPACE}
        return {
            each["name"]: each.get("value") or fields[each["valueFrom"]["fieldRef"]["fieldPath"]]
            for each in deployed["env"]
        }

    def _injected(self) -> dict[str, str]:
        server = urlsplit(self._plane.url)
        return {
            "KUBERNETES_SERVICE_HOST": str(server.hostname),
            "KUBERNETES_SERVICE_PORT": str(server.port),
            **self.invocation.variables,
            "AZURE_FEDERATED_TOKEN_FILE": IDENTITY_TOKEN,
        }

    def _tokens(self) -> dict[str, str]:
        path = self._plane.kubeconfig_for(chart.SERVICE_ACCOUNT, chart.NAMESPACE)
        [user] = json.loads(path.read_text())["users"]
        identity = Path(self.invocation.variables["AZURE_FEDERATED_TOKEN_FILE"])
        return {
            f"{ACCOUNT}/token": user["user"]["token"],
            f"{ACCOUNT}/ca.crt": self._plane.certificate_authority.read_text(),
            f"{ACCOUNT}/namespace": chart.NAMESPACE,
            IDENTITY_TOKEN: identity.read_text(),
        }


class Deployment(Station):
    """A station whose operators run from the image."""

    def __init__(self, *, image: Image, plane: ControlPlane, arm: ArmProcess, **pace: str) -> None:
        super().__init__(plane=plane, arm=arm, **pace)
        self.image = image

    def make(self, **settings: Any) -> Pod:
        """A new pod; does not wait for it."""
        return Pod(image=self.image, plane=self.plane, arm=self.arm, **settings)


def _config_maps(objects: Documents) -> dict[str, str]:
    """Every file that a volume brings, by its path; a volume of another kind is a KeyError."""
    sources = {each["name"]: each["configMap"] for each in pod(objects)["spec"]["volumes"]}
    files = {}
    for mount in container(objects)["volumeMounts"]:
        source = sources[mount["name"]]
        data = one_of(objects, "ConfigMap", name=source["name"])["data"]
        for item in source["items"]:
            files[f"{mount['mountPath']}/{item['path']}"] = data[item["key"]]
    return files
