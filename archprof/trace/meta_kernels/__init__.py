"""The fast shape rules: results of the commonest operations on meta tensors, worked out without torch's own rules."""
