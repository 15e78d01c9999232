"""Modes, rules and the faithful rendering of untrusted text. Pure: no I/O, no clock."""
