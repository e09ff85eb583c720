"""The architectures that come with archprof: one package a family."""
