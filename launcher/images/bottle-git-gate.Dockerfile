# The tools of the git gate: git, ssh and the scanner that a stage before this one brought. The
# gate itself, bottle-gate, is put in at each start, by the launcher that starts it.
FROM ${BASE}

# A base that has git and ssh needs no network.
RUN if ! command -v git || ! command -v ssh; then \
        apt-get update \
        && apt-get install --yes --no-install-recommends git openssh-client \
        && rm -rf /var/lib/apt/lists/*; \
    fi

# ssh starts for nobody who has no name.
RUN grep -q '^[^:]*:[^:]*:65532:' /etc/passwd \
    || echo 'git-gate:x:65532:65532::/run/bottle-gate:/bin/false' >> /etc/passwd

# A volume is made like what stands in its place: the mirrors are the gate's to write.
RUN install -d -m 0700 -o 65532 -g 65532 /git

COPY --from=scanner /scanner/gitleaks /usr/local/bin/gitleaks
RUN gitleaks version
USER 65532:65532
