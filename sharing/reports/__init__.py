"""The admin's report of shares: what was shared in a period, as pictures and as tables."""

from sharing.reports.page import SharesReport

__all__ = ["SharesReport"]
