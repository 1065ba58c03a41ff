# syntax=docker/dockerfile:1
FROM python:3.13.9-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
COPY requirements/runtime.txt /build/requirements.txt
RUN pip install --no-compile --require-hashes -r /build/requirements.txt && pip uninstall --yes pip
COPY generated/aiprovider /app/aiprovider
COPY service /app/service
# Not by the sources' times: buildah and podman round them in a copy, and half of the bytecode
# would count as stale, to be compiled again by every start and every probe.
RUN python -m compileall -qf --invalidation-mode unchecked-hash /opt/venv /app

FROM python:3.13.9-slim-trixie
RUN useradd --system --uid 10001 --no-create-home service && install -d -o 10001 /var/lib/ai-provider
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# Sums of calls are kept there: mount a volume where they are to outlive the container.
ENV STATE_DIRECTORY=/var/lib/ai-provider
# Configuration is looked for here: mount ai-provider.yml into it, secrets into /run/secrets.
WORKDIR /etc/ai-provider
USER 10001
EXPOSE 8005
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["python", "-m", "service", "probe"]
ENTRYPOINT ["python", "-m", "service"]
CMD ["serve"]
