"""Telling the caches in front of the site, a CDN or a Varnish, what they must forget.

Off unless the environment names one. What was touched (articles.freshness) is written down in the same
transaction as a chore; a worker works out the addresses (`addresses`) and sends them (`backends`).
"""
