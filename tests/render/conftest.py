from __future__ import annotations

import pytest

from archprof.records.profile import (
    Coverage,
    Environment,
    Input,
    Layer,
    Missed,
    Module,
    Operation,
    Profile,
    Reported,
    Totals,
    Variant,
)

# Three rows; what each figure is made of is written where it is used. The model's totals are
#   parameters 464 + 18,560 + 2,000 = 21,024
#   MACs 44,236,800 + 118,963,200 + 36,800,000 = 200,000,000, so 400,000,000 FLOPs
#   bytes read 10,000,000 + 20,000,000 + 5,000,000 = 35,000,000, written 6,000,000 + 6,000,000 + 345,678 = 12,345,678
LAYERS = [
    Layer(
        index=0,
        from_=[-1],
        module="Conv",
        path="model.0",
        arguments=[3, 16, 3, 2],
        output_shapes=[[1, 16, 320, 320]],
        parameters=464,
        modules=4,
        macs=44_236_800,
        elementwise_flops=1_000_000,
        bytes_read=10_000_000,
        bytes_written=6_000_000,
        line=20,
    ),
    Layer(
        index=1,
        from_=[-1],
        repeats=2,
        module="A_block_with_a_very_long_name",
        path="model.1",
        arguments=[16, 32, True, 0.5, "both", None, [1, [2, 3]], list(range(40))],
        output_shapes=[[1, 32, 160, 160]],
        parameters=18_560,
        modules=20,
        macs=118_963_200,
        elementwise_flops=2_000_000,
        bytes_read=20_000_000,
        bytes_written=6_000_000,
        line=21,
    ),
    Layer(
        index=2,
        from_=[0, 1],
        module="Detect",
        path="model.2",
        arguments=[6, [16, 32]],
        output_shapes=[[1, 10, 8400], [1, 70, 80, 80], [1, 70, 40, 40]],
        parameters=2_000,
        modules=9,
        macs=36_800_000,
        bytes_read=5_000_000,
        bytes_written=345_678,
        line=40,
    ),
]


def module(path: str, type_: str, layer: Layer | None, own: bool) -> Module:
    parameters = layer.parameters if layer else 21_024
    macs = layer.macs if layer else 200_000_000
    elementwise = layer.elementwise_flops if layer else 3_000_000
    read, sources = (layer.bytes_read, layer.bytes_written) if layer else (35_000_000, 12_345_678)
    return Module(
        path=path,
        type=type_,
        depth=path.count(".") + 1 if path else 0,
        calls=1,
        parameters=parameters,
        own_parameters=parameters if own else 0,
        macs=macs,
        own_macs=macs if own else 0,
        elementwise_flops=elementwise,
        own_elementwise_flops=elementwise if own else 0,
        bytes_read=read,
        own_bytes_read=read if own else 0,
        bytes_written=sources,
        own_bytes_written=sources if own else 0,
        output_shapes=layer.output_shapes if layer else [[1, 10, 8400]],
    )


@pytest.fixture
def profile() -> Profile:
    return Profile(
        variant=Variant(
            name="tiny-variant",
            reference="tiny-variant.yaml",
            origin="yaml",
            family="yolov13",
            task="detect",
            scale="n",
            path="models/tiny-variant.yaml",
            nc=6,
            settings={"nc": 6, "kpt_shape": [21, 3]},
            strides=[8, 16, 32],
        ),
        input=Input(shapes=[[1, 3, 640, 640]], dtype="float32", batch=1),
        environment=Environment(device="meta", python="3.11.0", platform="Linux", packages={"torch": "2.6.0"}),
        totals=Totals(
            modules=33,
            layers=20,
            parameters=21_024,
            trainable_parameters=21_008,
            macs=200_000_000,
            flops=400_000_000,
            elementwise_flops=3_000_000,
            weight_bytes=84_096,
            activation_elements=3_000_000,
            activation_bytes=12_000_000,
            peak_activation_bytes=4_000_000,
            bytes_read=35_000_000,
            bytes_written=12_345_678,
        ),
        coverage=Coverage(operations=760, counted=660, free=100),
        layers=LAYERS,
        modules=[
            module("", "Graph", None, False),
            module("model", "Sequential", None, False),
            *(module(layer.path, layer.module, layer, True) for layer in LAYERS),
        ],
        operations=[
            Operation(
                name="aten.convolution",
                state="counted",
                calls=640,
                macs=200_000_000,
                elementwise_flops=0,
                bytes_read=30_000_000,
                bytes_written=12_000_000,
            ),
            Operation(
                name="aten.add",
                state="counted",
                calls=20,
                macs=0,
                elementwise_flops=3_000_000,
                bytes_read=5_000_000,
                bytes_written=345_678,
            ),
            Operation(name="aten.view", state="free", calls=100, macs=0, elementwise_flops=0),
        ],
        reported={
            "thop-2.0": Reported(
                gflops=0.3,
                unit="GFLOPs (2 × thop's operations)",
                operations=375_000,
                input_shape=[1, 3, 32, 32],
                missed=[
                    Missed(operation="aten.convolution", calls=19, flops=60_000_000),
                    Missed(operation="aten.bmm", calls=1, flops=40_000_000),
                ],
            )
        },
    )
