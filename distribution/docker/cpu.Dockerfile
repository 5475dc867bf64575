# terramamba for CPUs. Untried: no Docker daemon was at hand.
#
#   docker build -f distribution/docker/cpu.Dockerfile --build-arg TORCH_INDEX=ADDRESS -t terramamba .
#   docker run --rm -v "$PWD:/data" terramamba check scene.tif
#
# ADDRESS is the one behind --index-url that https://pytorch.org/get-started/locally/ shows for Linux, pip and CPU.
FROM python:3.12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends g++ && rm -rf /var/lib/apt/lists/*
COPY . /source
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels /source

FROM python:3.12-slim
ARG TORCH_INDEX
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 libexpat1 && rm -rf /var/lib/apt/lists/*
COPY constraints.txt /constraints.txt
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir -c /constraints.txt --index-url "${TORCH_INDEX:?give --build-arg TORCH_INDEX=ADDRESS}" torch \
    && pip install --no-cache-dir -c /constraints.txt /wheels/*.whl
WORKDIR /data
ENTRYPOINT ["terramamba"]
CMD ["--help"]
