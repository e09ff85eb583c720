"""What is saved and handed on, as frozen structs, with the table of metrics. Nothing here needs torch."""
