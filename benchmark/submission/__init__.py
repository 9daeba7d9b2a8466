"""Submissions: a defense measured under a track's fixed protocol, in one folder that anybody can check."""
