"""The share pipeline under faults: real processes killed in the middle of real work, and counted after (docs/faults.md)."""
