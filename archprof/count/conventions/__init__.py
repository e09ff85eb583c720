"""Rules by which others turn a model into one number, replayed over a trace."""
