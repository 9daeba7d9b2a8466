"""The board: records in, tables and pages out."""
