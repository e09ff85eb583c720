"""``python -m archprof``, where the command is not on the path."""

import os
import sys

if __name__ == "__main__":
    # Python puts the working folder before all others, where a file of the user's called utils.py or a folder called
    # model_zoo would be imported instead of what is installed. What the user names is found there all the same.
    # `os` is there already when Python starts; any other module might be one of those files.
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
    if not sys.flags.safe_path and (sys.path[0] != own or own in sys.path[1:]):
        del sys.path[0]

    from archprof.cli import main

    main()
