# vetgate for runners without Python:
#   docker build --tag vetgate .
#   docker run --rm --volume "$PWD:/work" --user "$(id -u):$(id -g)" vetgate check int8.onnx --reference base.onnx --data eval
# The base is named by its version; pin it by the digest that your registry shows for it.
FROM python:3.11.14-slim-bookworm AS build
ARG EXTRAS=onnx,html,attest
ARG INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY vetgate vetgate
COPY plugins plugins
COPY policies policies
RUN python -m venv /opt/vetgate \
    && /opt/vetgate/bin/pip install --constraint constraints.txt hatchling \
    && /opt/vetgate/bin/pip install --constraint constraints.txt --extra-index-url "$INDEX" --no-build-isolation ".[$EXTRAS]" \
    && /opt/vetgate/bin/pip uninstall --yes hatchling

FROM python:3.11.14-slim-bookworm
COPY --from=build /opt/vetgate /opt/vetgate
RUN useradd --create-home --uid 1000 vetgate && mkdir /work && chown vetgate /work
# A user that `--user` names has no home: the cache goes where anyone may make a folder of their own.
ENV PATH=/opt/vetgate/bin:$PATH HOME=/tmp
USER 1000
WORKDIR /work
ENTRYPOINT ["vetgate"]
CMD ["--help"]
