"""The fault suite: the whole service before an adversary, on the wall clock."""
