"""Replies: what citizens raise and security officers answer has one life, whatever its kind."""
