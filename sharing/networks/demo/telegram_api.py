"""What our connector uses of Telegram's Bot API, answered from the truth.

Each account has a bot, and the bot a channel. A bot's token holds the account's password, so that whoever
knows the one can write down the other.
"""

import hashlib
from typing import Any

from sharing.networks.demo.exchange import Refuse, Reply, Request, as_json
from sharing.networks.demo.truth import StoredPost, Token, Truth
from sharing.networks.posting.lengths import TextRule, measure

NETWORK = "telegram"
_RULE = TextRule(4_096, unit="utf16")


def token_of(account: str, password: str) -> str:
    """Return the token of an account's bot."""
    return f"{_bot_id(account)}:{password}"


def chat_of(account: str) -> int:
    """Return the id of an account's channel."""
    return -(100 * 10**10 + _number(f"{account} channel"))


def username_of(account: str) -> str:
    """Return the name of an account's channel."""
    return f"{account}_channel"


def get_me(truth: Truth, request: Request, token: str) -> Reply:
    """Say which bot it is."""
    account = _let_in(truth, token)
    return _fine(
        {
            "id": _bot_id(account),
            "is_bot": True,
            "first_name": account,
            "username": f"{account}_bot",
        }
    )


def get_chat(truth: Truth, request: Request, token: str) -> Reply:
    """Say which channel it is."""
    account = _let_in(truth, token)
    _let_into_chat(truth, token, account, request.fields())
    return _fine(_chat(account))


def get_chat_member(truth: Truth, request: Request, token: str) -> Reply:
    """Say what the bot may do in its channel; of others nothing is known."""
    account = _let_in(truth, token)
    fields = request.fields()
    _let_into_chat(truth, token, account, fields)
    if str(fields.get("user_id")) != str(_bot_id(account)):
        return _error("Bad Request: user not found")
    return _fine(
        {
            "status": "administrator",
            "user": {"id": _bot_id(account), "is_bot": True, "first_name": account},
            "can_post_messages": truth.tokens[token].state != "mute",
        }
    )


def send_message(truth: Truth, request: Request, token: str) -> Reply:
    """Post a message; the same one again is another one."""
    account = _let_in(truth, token)
    fields = request.fields()
    _let_into_chat(truth, token, account, fields)
    if truth.tokens[token].state == "mute":
        return _error("Bad Request: need administrator rights in the channel chat")
    text = _text(fields)
    return _fine(_message(truth.add(NETWORK, account, "", text, fields, truth.next_id())))


def edit_message_text(truth: Truth, request: Request, token: str) -> Reply:
    """Change a message's words."""
    account = _let_in(truth, token)
    fields = request.fields()
    _let_into_chat(truth, token, account, fields)
    post = _own(truth, account, fields)
    if post is None:
        return _error("Bad Request: message to edit not found")
    text = _text(fields)
    if text == post.text:
        return _error(
            "Bad Request: message is not modified: specified new message content and reply markup are "
            "exactly the same as a current content and reply markup of the message"
        )
    post.text, post.said = text, fields
    return _fine(_message(post))


def delete_message(truth: Truth, request: Request, token: str) -> Reply:
    """Take a message away."""
    account = _let_in(truth, token)
    fields = request.fields()
    _let_into_chat(truth, token, account, fields)
    post = _own(truth, account, fields)
    if post is None:
        return _error("Bad Request: message to delete not found")
    post.gone = True
    return _fine(True)


def _let_in(truth: Truth, token: str) -> str:
    for account, password in truth.accounts.items():
        if password and token == token_of(account, password):
            known = truth.tokens.setdefault(token, Token(account, kind="bot"))
            if known.state != "revoked":
                return account
    raise Refuse(_error("Unauthorized", status=401))


def _let_into_chat(truth: Truth, token: str, account: str, fields: dict[str, Any]) -> None:
    if str(fields.get("chat_id")) not in {str(chat_of(account)), f"@{username_of(account)}"}:
        raise Refuse(_error("Bad Request: chat not found"))
    if truth.tokens[token].state == "kicked":
        raise Refuse(_error("Forbidden: bot was kicked from the channel chat", status=403))


def _text(fields: dict[str, Any]) -> str:
    text = str(fields.get("text", ""))
    if not text.strip():
        raise Refuse(_error("Bad Request: message text is empty"))
    if not measure(text, _RULE).fits(_RULE):
        raise Refuse(_error("Bad Request: message is too long"))
    return text


def _own(truth: Truth, account: str, fields: dict[str, Any]) -> StoredPost | None:
    post = truth.post(str(fields.get("message_id")))
    return post if post and (post.network, post.account) == (NETWORK, account) else None


def _chat(account: str) -> dict[str, Any]:
    return {
        "id": chat_of(account),
        "type": "channel",
        "title": f"The channel of {account}",
        "username": username_of(account),
    }


def _message(post: StoredPost) -> dict[str, Any]:
    return {
        "message_id": int(post.id),
        "date": int(post.created_at.timestamp()),
        "chat": _chat(post.account),
        "text": post.text,
    }


def _fine(result: Any) -> Reply:
    return as_json({"ok": True, "result": result})


def _error(description: str, *, status: int = 400) -> Reply:
    return as_json({"ok": False, "error_code": status, "description": description}, status=status)


def _bot_id(account: str) -> int:
    return _number(f"{account} bot")


def _number(name: str) -> int:
    """Return ten digits, always the same for a name."""
    return 10**9 + int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)
