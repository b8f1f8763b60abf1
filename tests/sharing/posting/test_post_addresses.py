"""A person who found a post gives its address; its id is in it."""

import pytest

from sharing.posting.afterwards import id_in


@pytest.mark.parametrize(
    ("network", "address", "found"),
    [
        ("mastodon", "https://social.example/@sleep/115", "115"),
        ("mastodon", "https://SOCIAL.example/users/sleep/statuses/01JD8Z", "01JD8Z"),
        ("mastodon", "https://social.example/p/sleep/77/", "77"),
        ("mastodon", "https://social.example/notice/AbC", "AbC"),
        ("mastodon", "https://other.example/@sleep/115", ""),
        ("mastodon", "https://social.example/@sleep", ""),
        ("mastodon", "https://social.example/@sleep/115/../../x", ""),
        (
            "bluesky",
            "https://bsky.app/profile/sleep.example/post/3l5abcdefgh2z",
            "at://did:plc:me/app.bsky.feed.post/3l5abcdefgh2z",
        ),
        (
            "bluesky",
            "https://bsky.app/profile/did:plc:me/post/3l5abcdefgh2z",
            "at://did:plc:me/app.bsky.feed.post/3l5abcdefgh2z",
        ),
        ("bluesky", "https://bsky.app/profile/did:plc:you/post/3l5abcdefgh2z", ""),
        ("bluesky", "https://bsky.app/profile/sleep.example", ""),
        ("nowhere", "https://nowhere.example/1", ""),
    ],
)
def test_a_posts_id_is_read_from_its_address(network: str, address: str, found: str) -> None:
    account = "did:plc:me" if network == "bluesky" else "1"
    assert id_in(network, address, host="social.example", account_id=account) == found
