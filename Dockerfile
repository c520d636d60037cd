# The operator's image: its virtual environment on a slim Python. docs/image.md says what is in it.
ARG BASE=docker.io/library/python:3.13-slim-trixie

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /source
COPY requirements/run.txt requirements/build.txt requirements/
# The environments get no pip of their own; the base's installs into them.
RUN python -m venv --without-pip /opt/aks-access \
 && python -m pip --python /opt/aks-access/bin/python install --no-compile \
      --require-hashes --only-binary=:all: --requirement requirements/run.txt \
 && python -m venv --without-pip /opt/build \
 && python -m pip --python /opt/build/bin/python install --no-compile \
      --require-hashes --only-binary=:all: --requirement requirements/build.txt
COPY pyproject.toml README.md ./
COPY operator operator
# Taken out: the client's generated classes (the operator speaks JSON, and kopf goes without them),
# other packages' tests and commands. The rest is compiled, because a pod cannot write bytecode; by
# hash, because times do not survive every builder.
RUN python -m pip --python /opt/build/bin/python wheel --no-deps --no-build-isolation \
      --wheel-dir /wheels . \
 && python -m pip --python /opt/aks-access/bin/python install --no-compile --no-deps --no-index \
      /wheels/*.whl \
 && find /opt/aks-access/lib -regex '.*/kubernetes\(/aio\)?/client/\(api\|models\)/.*' \
      ! -name __init__.py -delete \
 && find /opt/aks-access/lib \( -type d -name tests -o -name 'test_*.py' \) -prune -exec rm -r {} + \
 && find /opt/aks-access/bin -type f ! -name aks-access -delete \
 && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/aks-access

FROM ${BASE} AS runtime
# Nothing installs packages or gains rights in a pod, so what could is taken out. The user has a name,
# because libraries ask for its home and end in an error without one.
RUN find /usr/lib /usr/local/lib \( -path '*/python3*/*-packages/*' -o -path '*/python3*/ensurepip' \) \
      -prune -exec rm -r {} + \
 && rm -rf /usr/bin/pip* /usr/local/bin/pip* /usr/share/python-wheels \
 && find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
 && echo 'aks-access:x:65532:65532::/nonexistent:/usr/sbin/nologin' >> /etc/passwd \
 && echo 'aks-access:x:65532:' >> /etc/group
COPY --from=build /opt/aks-access /opt/aks-access
ENV PATH=/opt/aks-access/bin:$PATH
# Imports all there is: what is missing shows here, and the standard library's part is compiled too.
RUN python -I -c "import aks_access, importlib, pkgutil; \
[importlib.import_module(each.name) for each in pkgutil.walk_packages(aks_access.__path__, 'aks_access.')]"
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["aks-access"]
CMD ["run"]
ARG BASE
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="aks-access-operator" \
      org.opencontainers.image.description="Decides who reaches the API servers of AKS clusters, from where, and until when." \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE}"

# `make sbom`: the image's environment, listed inside the image; no part of it.
FROM ${BASE} AS lister
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /source
COPY requirements/sbom.txt requirements/
RUN python -m venv --without-pip /opt/lister \
 && python -m pip --python /opt/lister/bin/python install --no-compile \
      --require-hashes --only-binary=:all: --requirement requirements/sbom.txt

FROM runtime AS listed
COPY --from=lister /opt/lister /opt/lister
COPY pyproject.toml /source/
RUN /opt/lister/bin/cyclonedx-py environment --pyproject /source/pyproject.toml --mc-type application \
      --output-reproducible --output-file /tmp/sbom.cdx.json /opt/aks-access/bin/python

FROM scratch AS sbom
COPY --from=listed /tmp/sbom.cdx.json /

FROM runtime
