# The base of both stages: a Python 3.11 or newer with pip's ensurepip, and the system's certificates.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
WORKDIR /source
# pip and setuptools stay behind in /tools; what runs holds neither. Both locks carry hashes, and wheels alone are taken.
COPY requirements.txt requirements-build.txt ./
RUN python3 -m venv /tools && python3 -m venv --without-pip /opt/pullcheck
RUN /tools/bin/pip install --no-cache-dir --no-compile --require-hashes --only-binary :all: -r requirements-build.txt \
 && /tools/bin/pip --python /opt/pullcheck/bin/python install --no-cache-dir --no-compile --require-hashes \
    --only-binary :all: -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY certs certs
COPY webhook webhook
RUN /tools/bin/pip wheel --no-index --no-deps --no-build-isolation --wheel-dir dist . \
 && /tools/bin/pip --python /opt/pullcheck/bin/python install --no-index --no-deps --no-compile dist/*.whl
# All bytecode in one tree of its own, the standard library's too (slim images lack it): a read-only root cannot keep any.
ENV PYTHONPYCACHEPREFIX=/opt/pullcheck/bytecode
RUN python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash -x '/(tests?|idlelib|lib2to3|turtledemo|ensurepip)/' \
    "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" /opt/pullcheck/lib

FROM ${BASE}
LABEL org.opencontainers.image.title="pullcheck" \
      org.opencontainers.image.description="Asks the registry whether each image can be pulled, before the pod is made" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/pullcheck /opt/pullcheck
ENV PATH=/opt/pullcheck/bin:$PATH \
    PYTHONPYCACHEPREFIX=/opt/pullcheck/bytecode \
    PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
EXPOSE 8443 8080
ENTRYPOINT ["/opt/pullcheck/bin/pullcheck"]
CMD ["serve"]
