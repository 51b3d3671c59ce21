"""vetgate: the gate in front of a roll-out of compressed vision models."""
