"""How a report is told: marks, figures, head lines and provenance as text, the same for every reporter. Pure.

A door for reporters, like `vetgate.reporting`. What these functions return may hold text of strangers; `text` makes it
harmless for a terminal, and every format escapes it in its own way.
"""
