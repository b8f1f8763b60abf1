"""Build the image and start it as production does: `python -m tests.image BASE`, as root, with buildah.

No part of `make test`: it needs a base image (docs/production.md makes one without a registry) and the
package index. The image is built without an engine, mounted read-only, and run as its own user: prepare,
then the web server, then the health check of the image, on SQLite.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from healthsite.paths import PROJECT_ROOT
from tests.supervisor.conftest import free_port

IMAGE = "localhost/healthsite:under-test"

# In namespaces of its own: nothing stays mounted and nothing goes on, whatever happens. $1 image, $2 scratch, $3 port.
RUN = r"""
root=$2/root
mkdir "$root"
mount --bind "$1" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
mount -t tmpfs -o mode=0755,uid=10001,gid=10001 data "$root/data"
as_in_image() {
    chroot --userspec=10001:10001 "$root" env -i PATH=/opt/venv/bin:/usr/bin:/bin \
        HEALTHSITE_DATA=/data HEALTHSITE_STATIC=/srv/healthsite/static PORT="$3" \
        DJANGO_SETTINGS_MODULE=healthsite.settings PYTHONDONTWRITEBYTECODE=1 \
        SECRET_KEY=made-up-for-one-trial-of-an-image-fifty-characters-long HEALTHSITE_ADMIN_PASSWORD=made-up \
        sh -c "cd /srv/healthsite && exec $4"
}
if as_in_image "$1" "$2" "$3" 'touch x 2>/dev/null'; then
    echo 'the root could be written'
    exit 1
fi
as_in_image "$1" "$2" "$3" 'python manage.py prepare'
as_in_image "$1" "$2" "$3" 'python -m healthsite.serve' &
web=$!
tries=0
until as_in_image "$1" "$2" "$3" 'python -m healthsite.supervisor.alive web'; do
    kill -0 "$web"
    tries=$((tries + 1))
    test "$tries" -lt 60
    sleep 1
done
echo 'the image starts on a read-only root and is healthy'
"""


def buildah(*words: str) -> str:
    """Run buildah without an engine; return the last word that it says."""
    ended = subprocess.run(
        ["buildah", *words], cwd=PROJECT_ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    return ended.stdout.strip().rpartition("\n")[2]


def main(base: str) -> int:
    """Build, run, tidy up; return 0 when the image is healthy."""
    build = ("bud", "--isolation", "chroot", "--format", "docker", "--build-arg", f"BASE={base}")
    buildah(*build, "--tag", IMAGE, ".")
    container = buildah("from", IMAGE)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            words = [buildah("mount", container), str(Path(scratch)), str(free_port())]
            alone = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork"]
            return subprocess.run(
                [*alone, "--kill-child", "sh", "-euc", RUN, "image", *words], check=False
            ).returncode
    finally:
        buildah("rm", container)
        buildah("rmi", IMAGE)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.image BASE")
    sys.exit(main(sys.argv[1]))
