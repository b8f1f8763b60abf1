"""Read an article from a text or Markdown file, and write one as Markdown: plain values, no database.

`docs/importing.md` describes both formats.
"""
