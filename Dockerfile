# The operator's image: its virtual environment on a slim Python, nothing else.
ARG BASE=docker.io/library/python:3.13-slim

FROM ${BASE} AS build
WORKDIR /source
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
COPY requirements/run.txt requirements/build.txt requirements/
# The environment gets no pip of its own; the build stage's installs into it.
RUN python -m venv --without-pip /opt/aks-access \
 && python -m pip --python /opt/aks-access/bin/python install --require-hashes --only-binary=:all: \
      -r requirements/run.txt \
 && python -m venv /opt/build \
 && /opt/build/bin/python -m pip install --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md ./
COPY operator operator
RUN /opt/build/bin/python -m pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && python -m pip --python /opt/aks-access/bin/python install --no-deps --no-index /wheels/*.whl \
 && /opt/aks-access/bin/python -m compileall -q /opt/aks-access

FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="aks-access-operator" \
      org.opencontainers.image.description="Decides who reaches the API servers of AKS clusters, from where, and until when." \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# Nothing installs packages at run time, so what could is taken out.
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/ensurepip \
      /usr/local/lib/python3*/site-packages/pip* /usr/local/lib/python3*/site-packages/setuptools*
COPY --from=build /opt/aks-access /opt/aks-access
ENV PATH=/opt/aks-access/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["aks-access"]
CMD ["run"]
