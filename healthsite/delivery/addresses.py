"""Which requests may be answered from the store, and by what key."""

from urllib.parse import parse_qsl

# Parameters that networks, mailers and advertisers add to links; no page of ours reads them.
_TRACKING = frozenset(
    {
        "_ga",
        "_gl",
        "_hsenc",
        "_hsmi",
        "dclid",
        "fbclid",
        "gad_source",
        "gbraid",
        "gclid",
        "gclsrc",
        "igsh",
        "igshid",
        "li_fat_id",
        "mc_cid",
        "mc_eid",
        "mkt_tok",
        "msclkid",
        "rdt_cid",
        "ref_src",
        "s_kwcid",
        "srsltid",
        "ttclid",
        "twclid",
        "vero_id",
        "wbraid",
        "yclid",
    }
)
_TRACKING_PREFIXES = ("utm_", "mtm_", "pk_", "hsa_")

# Nothing below these is ever kept.
_NEVER_KEPT = (
    "/admin/",
    "/documents/",
    "/healthz",
    "/media/",
    "/metrics",
    "/readyz",
    "/s/",
    "/share/",
    "/static/",
)


def may_be_kept(path: str) -> bool:
    """Return whether an answer at this path could be kept at all."""
    return not path.startswith(_NEVER_KEPT)


def without_tracking(query: str) -> str:
    """Return a query string without the parameters that only tell where a reader came from."""
    kept = [part for part in query.split("&") if part and not _is_tracking(part)]
    return "&".join(kept)


def _is_tracking(part: str) -> bool:
    name = part.partition("=")[0].lower()
    return name in _TRACKING or name.startswith(_TRACKING_PREFIXES)


def has_only(query: str, parameters: set[str]) -> bool:
    """Return whether a query string names no parameter but these, and none of them twice."""
    try:
        names = [name for name, _ in parse_qsl(query, keep_blank_values=True, strict_parsing=True)]
    except ValueError:
        return not query
    return parameters.issuperset(names) and len(names) == len(set(names))
