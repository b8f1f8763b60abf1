"""Share events that were accepted and are not in the database yet."""

from sharing import actions, stream, valkey

# A busy site accepts events all the time; after so many sweeps those of before are counted.
_SWEEPS = 20


def count_waiting() -> int:
    """Count what was accepted, and return how many events came meanwhile; raises valkey.Silent."""
    waiting = _waiting()
    for _ in range(_SWEEPS):
        actions.drain()
        if not (waiting := _waiting()):
            break
    return waiting


def _waiting() -> int:
    return int(valkey.events_for_jobs().ask(lambda client: client.xlen(stream.STREAM)))


def refuse_strangers() -> str:
    """Return what to say of events that another site left on the server; empty where there are none."""
    try:
        waiting = _waiting()
    except valkey.Silent:
        return ""
    return (
        f"{waiting} share events of another site wait on the server of REDIS_URL; they would be counted "
        "here. Nothing was touched. Let that site count them, or name another server."
        if waiting
        else ""
    )
