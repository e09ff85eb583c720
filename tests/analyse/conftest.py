from __future__ import annotations

import pytest

from archprof.profiles import Coverage, Environment, Input, Missed, Profile, Reported, Share, Totals, Variant

# 8 G FLOPs run. thop gives nothing for 1 G of them, takes the other 7 G for 2 · 2.85 = 5.7 G, and adds 2 · 0.25 = 0.5 G
# of normalisation and upsampling: 6.2 G. Its own operations are those of a thousandth of the area, and not doubled.
THOP = Reported(
    gflops=6.2,
    unit="GFLOPs (2 × operations)",
    operations=3_100_000,
    input_shape=[1, 3, 32, 32],
    missed=[Missed(operation="aten.bmm", calls=2, flops=1_000_000_000)],
    shares=[
        Share(module="0", operation="Conv2d", calls=3, amount=2_850_000, macs=3_500_000_000),
        Share(module="1", operation="BatchNorm2d", calls=1, amount=50_000, macs=0),
        Share(module="2", operation="Upsample", calls=1, amount=20_000, macs=0),
        Share(module="3", operation="BatchNorm2d", calls=2, amount=180_000, macs=0),
        Share(module="4", operation="aten.bmm", calls=2, amount=0, macs=500_000_000),
    ],
)
# 4 G MACs run; fvcore gives 4.5 G and tells no parts.
FVCORE = Reported(gflops=4.5, unit="GMACs (a rule)", operations=4_500_000_000, input_shape=[1, 3, 64, 64])

TOTALS = {
    "modules": 10,
    "layers": 7,
    "parameters": 1_234_567,
    "trainable_parameters": 1_234_551,
    "macs": 4_000_000_000,
    "flops": 8_000_000_000,
}


@pytest.fixture
def profile() -> Profile:
    """A profile of a model with 4 G MACs, which are 8 G FLOPs."""
    return Profile(
        variant=Variant(name="one", reference="one.yaml", origin="yaml"),
        input=Input(shapes=[[1, 3, 64, 64]], dtype="float32", batch=1),
        environment=Environment(device="meta", python="3.11", platform="Linux", packages={}),
        totals=Totals(**dict.fromkeys(Totals.__struct_fields__, 0) | TOTALS),
        coverage=Coverage(operations=3, counted=3, free=0),
        reported={"thop-2.0": THOP, "fvcore": FVCORE},
    )
