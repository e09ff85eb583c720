"""An exported program as a module of torch's, whose calls are the program's nodes: it is traced like any other.

Nothing of it is code: operators are looked up by their names, and the modules around them are empty ones.
"""
