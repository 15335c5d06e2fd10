"""Registries that stand in for others, in a world of their own: with their names, addresses, certificates and manners.

content.py     images that really run, each with a digest of its own
asking.py      what a request asks for
manner.py      how a registry asks for logins, and says no
brands.py      the manners of known registries, by host
registry.py    one stand-in: honest answers by its manner, and what scenes make of them
twists.py      what scenes make of honest answers
stage.py       all of them on their addresses, and the record of everything they were asked
"""
