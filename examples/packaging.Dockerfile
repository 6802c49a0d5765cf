# What the tests of pypa/packaging need, on a plain Debian; the context is the release's source.
ARG BASELINE=debian:bookworm-slim
FROM ${BASELINE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 python3-pretend python3-pytest \
 && rm -rf /var/lib/apt/lists/*
COPY . /packaging
WORKDIR /packaging
