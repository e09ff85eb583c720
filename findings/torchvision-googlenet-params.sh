#!/usr/bin/env bash
# The number of parameters that torchvision publishes for its weights, and that of the model without weights.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
"$python" - <<'PYTHON'
import sys
import warnings

import torch
from torchvision.models import get_model, get_model_weights

warnings.simplefilter("ignore")
print("a good guess: weights=None leaves the architecture as it is, and num_params is its number of parameters")
counts = {}
for name in ("resnet18", "googlenet", "inception_v3"):
    with torch.device("meta"):
        model = get_model(name, weights=None, **({} if name == "resnet18" else {"init_weights": False}))
    published = get_model_weights(name).DEFAULT.meta["num_params"]
    auxiliary = sum(weight.numel() for path, weight in model.named_parameters() if path.lower().startswith("aux"))
    counts[name] = published, sum(weight.numel() for weight in model.parameters()), auxiliary
    print("{}: published {:,}; weights=None {:,}, of which {:,} are in auxiliary classifiers".format(name, *counts[name]))
expected = {
    "resnet18": (11689512, 11689512, 0),
    "googlenet": (6624904, 13004888, 6379984),
    "inception_v3": (27161264, 27161264, 3326696),
}
sys.exit(None if counts == expected else "the behaviour has changed")
PYTHON
