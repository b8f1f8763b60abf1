"""The connectors against servers that other people wrote: not part of the tests, see `__main__`."""
