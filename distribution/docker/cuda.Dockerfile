# terramamba for NVIDIA GPUs. Untried: no Docker daemon was at hand.
#
#   docker build -f distribution/docker/cuda.Dockerfile -t terramamba:cuda .
#   docker run --rm --gpus all -v "$PWD:/data" terramamba:cuda info
#
# PyTorch for Linux brings CUDA and Triton along; the machine needs a driver and the NVIDIA Container Toolkit. Where
# the driver asks for another CUDA, https://pytorch.org/get-started/locally/ shows the address: --build-arg TORCH_INDEX=ADDRESS.
FROM python:3.12-slim
ARG TORCH_INDEX=
# Triton compiles what starts its kernels by gcc when they are first used, so the compiler stays.
RUN apt-get update && apt-get install -y --no-install-recommends g++ libexpat1 && rm -rf /var/lib/apt/lists/*
COPY . /source
RUN pip install --no-cache-dir -c /source/constraints.txt ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch \
    && pip install --no-cache-dir -c /source/constraints.txt /source
WORKDIR /data
ENTRYPOINT ["terramamba"]
CMD ["--help"]
