"""The share pipeline as a person at a terminal sees it: `manage.py share_pipeline` and `manage.py recount`.

`reading` takes the numbers, `screen` puts them into words, `live` shows them until Ctrl-C; `bar` draws how far
long work is, `working` does it.
"""
