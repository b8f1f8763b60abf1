"""Published pages, rendered once and served without entering Django (docs/decisions/0015).

`wrapper` is what the web server calls: it answers from `store`, or from the copies that the processes of a
host share (`shared_copies`), or asks Django and keeps what Django says may be kept (articles.freshness).
`following` hears of changes that other hosts made. `warming` makes changed pages before a reader asks.
"""
