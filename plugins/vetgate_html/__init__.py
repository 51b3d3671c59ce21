"""The report as one page for people: opened from disk, offline, by mouse, keyboard or screen reader, or on paper."""
