"""Spec -> module: the registry, the channel rules, the graph, on any device or without memory."""
