"""One file that holds a site: its database and its media, made while it runs, checked before it is used."""
