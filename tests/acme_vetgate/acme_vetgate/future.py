"""A plugin of an API that does not exist yet; importing it is a defect of the host."""

raise AssertionError("the code of an incompatible plugin was imported")
