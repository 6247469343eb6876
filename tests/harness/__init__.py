"""Starts the real programs and talks to them as a client would."""
