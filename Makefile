# What people and CI run. `make` alone lists it; .ci/run is what CI runs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
AUDIT := $(VENV)/audit
MUTATION := $(VENV)/mutation
SITE := $(VENV)/site
AZ := build/az
LOCK := $(BIN)/uv pip compile --universal --generate-hashes --no-header --python-version 3.11 --quiet
IMAGE ?= aks-access-operator:dev
BUILDER ?= docker
BUILD = $(BUILDER) build $(BUILD_FLAGS) $(if $(BASE),--build-arg BASE=$(BASE))
SBOM ?= build/sbom
RUNS ?= 100000
EXAMPLES ?= 500
# `make demo` takes a cluster of yours only where make's own command line names one: KUBECONFIG in
# the environment may be production's.
typed = $(if $(findstring command,$(origin $1)),$2 '$(subst ','\'',$($1))')
PYTEST := $(BIN)/pytest -n 2 --dist worksteal
# Tests on real processes wait for them half of their time: a third worker has the cores meanwhile.
WAITING := $(BIN)/pytest -n 3 --dist worksteal

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup lock lint types imports generated generate docs binaries unit integration test test-install \
  test-argocd test-image test-az proof faults soak mutation audit demo bench sandbox az image sbom clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(READY) ## virtual environment in .venv, everything pinned by hash

$(READY): requirements/develop.txt requirements/build.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "$(PYTHON) is missing or older than Python 3.11: name a newer one, as in make setup PYTHON=python3.13" >&2; exit 1; }
	@$(BIN)/python -c 'import pip' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	  -r requirements/develop.txt -r requirements/build.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

lock: setup ## compile requirements/ anew (UPGRADE=1 takes newer versions)
	$(LOCK) $(if $(UPGRADE),--upgrade) pyproject.toml -o requirements/run.txt
	$(LOCK) $(if $(UPGRADE),--upgrade) --extra develop -c requirements/run.txt pyproject.toml -o requirements/develop.txt
	$(LOCK) $(if $(UPGRADE),--upgrade) requirements/build.in -o requirements/build.txt
	$(LOCK) $(if $(UPGRADE),--upgrade) requirements/go.in -o requirements/go.txt
	$(LOCK) $(if $(UPGRADE),--upgrade) requirements/audit.in -o requirements/audit.txt
	$(LOCK) $(if $(UPGRADE),--upgrade) -c requirements/develop.txt requirements/mutation.in -o requirements/mutation.txt
	$(LOCK) $(if $(UPGRADE),--upgrade) requirements/docs.in -o requirements/docs.txt
	$(LOCK) $(if $(UPGRADE),--upgrade) requirements/sbom.in -o requirements/sbom.txt
	$(LOCK) $(if $(UPGRADE),--upgrade) requirements/az.in -o requirements/az.txt

lint: setup ## ruff: rules and format; hadolint
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --quiet --check
	$(BIN)/hadolint Dockerfile

types: setup ## mypy, strict
	$(BIN)/mypy --no-error-summary operator sandbox

imports: setup ## import-linter: who may import whom
	$(BIN)/lint-imports --no-cache > $(VENV)/imports.log || { cat $(VENV)/imports.log; exit 1; }

generated: setup ## check that what is generated is in step with its sources
	$(BIN)/python -m aks_access.api.crd --check crds
	$(BIN)/python -m sandbox render --check

generate: setup ## write what is made from other files: CRDs, the chart's copies, deploy/, azure/, docs/reference/
	$(BIN)/python -m aks_access.api.crd --write crds
	$(BIN)/python -m sandbox render

docs: $(SITE)/.ready ## the documentation as a site in build/site; a broken link fails
	@rm -rf build/site
	$(SITE)/bin/python -m sphinx --builder html --quiet --fail-on-warning --keep-going --fresh-env \
	  --conf-dir docs/site docs build/site
	$(BIN)/python -m sandbox site build/site

$(SITE)/.ready: requirements/docs.txt | setup
	$(BIN)/python -m venv --clear $(SITE)
	$(SITE)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/docs.txt
	@touch $@

binaries: setup ## build the sandbox's API server, once per machine (minutes)
	@$(BIN)/python -m sandbox build kube-apiserver etcd kubectl kube-controller-manager helm etcdutl

unit: setup ## tests without a control plane
	$(PYTEST) -m "not integration and not proof and not argocd and not image and not az"

integration: setup ## tests on a real API server and the ARM emulator
	$(WAITING) -m "integration and not proof and not install"

test: lint types imports binaries generated docs ## every check and test, but those of the targets below
	$(WAITING) -m "not proof and not install and not argocd and not image and not az"

test-install: binaries ## what people do around the operator: guides, chart, rights, GitOps examples, the demo elsewhere
	$(WAITING) -m install

test-argocd: binaries ## a whole GitOps life under the real Argo CD (needs redis-server and git; builds for minutes)
	@$(BIN)/python -m sandbox build argocd
	$(PYTEST) -m argocd

test-az: binaries az ## the real az against the sandbox: the usual script beside the operator, guides (installs 730 MB)
	AKS_ACCESS_AZ=$(CURDIR)/$(AZ)/bin/az $(PYTEST) -m az tests/az

proof: binaries ## mutants, crashes, faults and random histories in virtual time, at length
	$(PYTEST) -m "proof and not integration"
	AKS_ACCESS_EXAMPLES=$(EXAMPLES) $(PYTEST) tests/unit/plan/test_properties.py --timeout 300

faults: binaries ## the attacks on real processes: watches, kills, pauses, failovers, restores
	$(PYTEST) -m "proof and integration"

soak: setup ## random histories of the whole loop, RUNS of them (hours)
	$(BIN)/python -m tests.sim.soak --runs $(RUNS)

mutation: $(MUTATION)/.ready ## do the tests of plan/ notice small changes to it? (MODULES="guard pace": these only)
	$(MUTATION)/bin/python -m tests.mutation $(MODULES)

# What develop.txt pins is there already: a path file leads to it.
$(MUTATION)/.ready: requirements/mutation.txt | setup
	$(BIN)/python -m venv --clear $(MUTATION)
	$(MUTATION)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/mutation.txt
	@purelib='import sysconfig; print(sysconfig.get_path("purelib"))'; \
	  $(BIN)/python -c "$$purelib" > "$$($(MUTATION)/bin/python -c "$$purelib")/develop.pth"
	@touch $@

# Not az.txt: azure-cli pins what it uses itself, and reaches the sandbox only.
audit: $(AUDIT)/.ready ## known vulnerabilities of all that is pinned, but for az (REQUIRED=1 fails where it cannot ask)
	@PATH="$(CURDIR)/$(AUDIT)/bin:$$PATH" $(AUDIT)/bin/python requirements/audit.py $(if $(REQUIRED),--required) \
	  requirements/run.txt requirements/develop.txt requirements/build.txt requirements/go.txt \
	  requirements/mutation.txt requirements/docs.txt requirements/sbom.txt

$(AUDIT)/.ready: requirements/audit.txt | setup
	$(BIN)/python -m venv --clear $(AUDIT)
	$(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/audit.txt
	@touch $@

demo: setup ## the main job end to end, on this machine (on your cluster: KUBECONFIG=file CONTEXT=name)
	$(BIN)/python -m sandbox demo $(call typed,KUBECONFIG,--kubeconfig) $(call typed,CONTEXT,--context) $(if $(call typed,REMOVE,yes),$(if $(REMOVE),--remove))

bench: binaries ## how long people wait for a command, beside kubectl (RUNS=7, GRANTS=10000)
	@$(BIN)/python -m bench.commands $(if $(filter command,$(origin RUNS)),--runs $(RUNS)) --grants $(or $(GRANTS),10000)

sandbox: setup ## a control plane and an ARM emulator to try things on
	$(BIN)/python -m sandbox up

az: $(AZ)/.ready ## the real az in build/az, apart from everything else, to try on the sandbox (730 MB)

# By uv: it has these 25,000 files in place within seconds, pip within minutes.
$(AZ)/.ready: requirements/az.txt | setup
	$(BIN)/python -m venv --clear --without-pip $(AZ)
	$(BIN)/uv pip install --quiet --python $(AZ)/bin/python --require-hashes -r requirements/az.txt
	@touch $@

image: ## build the container image (BUILDER=podman, buildah …; BASE=another base image)
	$(BUILD) --build-arg VERSION=$$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml) \
	  --build-arg REVISION=$$(git rev-parse HEAD 2>/dev/null || echo unknown) --tag $(IMAGE) .

sbom: ## list what the image's environment is made of: build/sbom/sbom.cdx.json (CycloneDX)
	$(BUILD) --target sbom --output type=local,dest=$(SBOM) .

test-image: setup ## build the image and run it against the sandbox (root, buildah and runc)
	AKS_ACCESS_BASE=$(BASE) $(BIN)/pytest -rs -m image tests/image

clean: ## remove what these targets made in the working copy
	rm -rf $(VENV) build operator/*.egg-info .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
