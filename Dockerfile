# syntax=docker/dockerfile:1.7
# One image for the API, the worker and the migrations; the command says which.
# requirements.lock is one file with everything. The builder installs all of it with hashes
# checked, then removes what pyproject.toml's own dependencies do not need (sandbox and dev).

FROM python:3.12-slim AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/orderflow/venv
WORKDIR /opt/orderflow
COPY requirements.lock pyproject.toml ./
# http-ece comes as source only; it is pure Python.
RUN venv/bin/pip install --quiet --only-binary :all: --no-binary http-ece --require-hashes \
    --requirement requirements.lock
RUN venv/bin/python - > unneeded.txt <<'PRUNE'
import tomllib
from importlib.metadata import distribution, distributions
from pathlib import Path

from pip._vendor.packaging.requirements import Requirement
from pip._vendor.packaging.utils import canonicalize_name

project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
waiting, seen, needed = [*project["dependencies"]], set(), {"pip"}
while waiting:
    text = waiting.pop()
    if text in seen:
        continue
    seen.add(text)
    wanted = Requirement(text)
    name = canonicalize_name(wanted.name)
    needed.add(name)
    for inner in distribution(name).requires or ():
        marker = Requirement(inner).marker
        if not marker or any(marker.evaluate({"extra": e}) for e in {"", *wanted.extras}):
            waiting.append(inner)
print(*sorted({canonicalize_name(d.name) for d in distributions()} - needed), sep="\n")
PRUNE
RUN venv/bin/pip uninstall --quiet --yes --requirement unneeded.txt \
 && venv/bin/pip check \
 && venv/bin/pip uninstall --quiet --yes pip

FROM python:3.12-slim
ENV PATH=/opt/orderflow/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    API_HOST=0.0.0.0
RUN useradd --system --uid 10001 --home-dir /var/lib/orderflow --create-home orderflow
COPY --from=builder /opt/orderflow/venv /opt/orderflow/venv
WORKDIR /opt/orderflow/app
COPY . .
USER 10001
VOLUME /var/lib/orderflow
EXPOSE 8000
CMD ["python", "-m", "api"]
