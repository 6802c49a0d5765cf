# What Sphinx's `latexpdf` needs, on a plain Debian, and git to look around inside; the context is the release's source.
ARG BASELINE=debian:bookworm-slim
FROM ${BASELINE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      git make python3 python3-sphinx \
      latexmk texlive-latex-recommended texlive-latex-extra texlive-fonts-recommended tex-gyre \
 && rm -rf /var/lib/apt/lists/*
COPY . /project
WORKDIR /project
