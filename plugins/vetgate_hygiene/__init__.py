"""Images that stand where they should not: in two sets, twice in one, or under a doubtful label."""
