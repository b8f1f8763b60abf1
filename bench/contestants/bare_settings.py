"""The least of Django: no application, no middleware."""

SECRET_KEY = "of a benchmark on this machine alone"  # noqa: S105
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "bench.contestants.bare_write"
MIDDLEWARE: list[str] = []
INSTALLED_APPS: list[str] = []
