# Thaw on CPUs. A run takes the config.yaml of the folder that is mounted at /data, or
# Thaw's own where it has none:
#     docker build --tag thaw .
#     docker run --rm --user "$(id -u)" --volume "$PWD:/data" thaw --cores 4
FROM python:3.13-slim

# uv knows where PyTorch's CPU build is; the default one brings 3 GB of CUDA.
# hadolint ignore=DL3013
RUN pip install --no-cache-dir uv
COPY . /opt/thaw
# Users may not write there, so what Python compiles is compiled now.
RUN uv pip install --system --no-cache --compile-bytecode --torch-backend cpu \
        --constraints /opt/thaw/requirements.lock --editable /opt/thaw \
    && python -m compileall -q /opt/thaw/workflow \
    && install --directory --owner 1000 /data

# Whoever runs it needs a name, and a place for caches.
ENV HOME=/tmp USER=thaw
USER 1000
WORKDIR /data
ENTRYPOINT ["snakemake", "--snakefile", "/opt/thaw/Snakefile"]
