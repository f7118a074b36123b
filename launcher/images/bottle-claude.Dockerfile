# The image of agents with the template `claude`, built where it is missing. It needs the
# network once: the base image, Debian's packages and the client come from their registries.
FROM node:22-bookworm-slim

# ca-certificates and less are what git and curl need at work, procps what the client's own
# job control calls.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates curl git less procps ripgrep \
    && rm -rf /var/lib/apt/lists/*

# The version whose behaviour behind the proxy was observed.
ARG CLAUDE_CODE_VERSION=2.1.197
RUN npm install --global "@anthropic-ai/claude-code@${CLAUDE_CODE_VERSION}" \
    && npm cache clean --force

# The base image's user has the uid 1000 already; the agent takes it over.
RUN groupmod --new-name agent node \
    && usermod --login agent --home /home/agent --move-home node

# It could not replace itself: the agent does not own it, nor reach where updates lie.
ENV DISABLE_AUTOUPDATER=1
USER agent
WORKDIR /home/agent
