"""Each shape rule against onnx's own, on random attributes and shapes, right and wrong: where both speak, they agree.

A rule that is not sure gives nothing and onnx is asked, so that there is nothing to compare; but of right inputs every
rule must be sure of some.
"""

from __future__ import annotations

import random
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnx.shape_inference
import pytest
from onnx import TensorProto, helper, numpy_helper

from archprof.trace.onnx_graph.graph_reader import GraphReader
from archprof.trace.onnx_graph.record import Operation, Tensor, dtype_code, dtype_name
from archprof.trace.onnx_graph.schemas import schema
from archprof.trace.onnx_graph.shape_rules import SHAPE_RULES, infer

OPSETS = (6, 9, 11, 13, 17, 21, 23)
CASES = 90

UNARY = {
    *("Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Ceil", "Cos", "Cosh", "Elu", "Erf", "Exp", "Floor"),
    *("HardSigmoid", "HardSwish", "Identity", "LeakyRelu", "Log", "Neg", "Not", "Reciprocal", "Relu", "Round", "Selu"),
    *("Sigmoid", "Sign", "Sin", "Sinh", "Softplus", "Softsign", "Sqrt", "Tan", "Tanh", "ThresholdedRelu", "Gelu"),
    *("Mish", "Shape", "Size"),
}
LOGICAL = {"And", "Or", "Xor", "Not"}
BINARY = {"Add", "Sub", "Mul", "Div", "Pow", "Mod", "And", "Or", "Xor", "BitShift"} | {
    *("Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual")
}
SEVERAL = {"Sum", "Max", "Min", "Mean"}
ALONG = {"Softmax", "LogSoftmax", "Hardmax"}
REDUCTIONS = {name for name in SHAPE_RULES if name.startswith("Reduce")}


def sizes(rng: random.Random, rank: int | None = None) -> list[int]:
    rank = rng.randrange(5) if rank is None else rank
    return [
        rng.choice((1, 1, 2, 3, 4, 6, 7, 0)) if rng.random() < 0.3 else rng.choice((2, 3, 4, 6)) for _ in range(rank)
    ]


def numbers(*values: int) -> tuple[list[int], str, np.ndarray]:
    return [len(values)], "int64", np.array(values, np.int64)


def broadcasting(rng: random.Random, shape: list[int]) -> list[int]:
    """A shape that broadcasts with another, but for a few."""
    other = [size if rng.random() < 0.6 else 1 for size in shape][rng.randrange(len(shape) + 1) if shape else 0 :]
    return [*other[:-1], 5] if other and rng.random() < 0.1 else other


def case(type_: str, opset: int, rng: random.Random) -> tuple[list, dict, int]:
    """Random inputs (shape, type, values), attributes and number of outputs of an operator; most are right."""
    shape = sizes(rng)
    rank = len(shape)
    kind = "bool" if type_ in LOGICAL else "uint8" if type_ == "BitShift" else "float32"
    data = (shape, kind, None)
    axis = rng.randint(-rank - 1, rank) if rng.random() < 0.2 or not rank else rng.randrange(-rank, rank)
    some = rng.sample(range(rank), rng.randint(0, rank))
    some = [entry - rank if rng.random() < 0.3 else entry for entry in some]
    if type_ in UNARY:
        return [data], {}, 1
    if type_ in BINARY:
        attributes = {"direction": "LEFT"} if type_ == "BitShift" else {}
        inputs = [data, (broadcasting(rng, shape), kind, None)]
        return rng.sample(inputs, 2), attributes, 1
    if type_ in SEVERAL:
        return [data, *((broadcasting(rng, shape), kind, None) for _ in range(rng.randrange(3)))], {}, 1
    if type_ == "Where":
        return [(broadcasting(rng, shape), "bool", None), data, (broadcasting(rng, shape), kind, None)], {}, 1
    if type_ == "Clip":
        bounds = [([], kind, None)] * rng.randrange(3) if opset >= 11 else []
        return [data, *bounds], {} if opset >= 11 else {"min": 0.0}, 1
    if type_ in ALONG:
        return [data], {"axis": axis} if rng.random() < 0.8 else {}, 1
    if type_ == "Dropout":
        ratio, training = ([], "float32", None), ([1][rng.randrange(2) :], "bool", None)
        given = [ratio, training][: rng.randrange(3)] if opset >= 12 else []
        attributes = {"seed": 1} if opset >= 12 else {"ratio": 0.5}
        return [data, *given], attributes if rng.random() < 0.5 else {}, rng.choice((1, 2))
    if type_ == "LRN":
        return [data], {"size": 3}, 1
    if type_ == "BatchNormalization":
        channels = ([shape[1]] if rank > 1 else [3], kind, None)
        return [data, *[channels] * 4], {"epsilon": 0.1} if rng.random() < 0.5 else {}, 1
    if type_ == "Cast":
        return [data], {"to": rng.choice((1, 6, 7, 9, 10, 11))}, 1
    if type_ == "ConstantOfShape":
        filled = helper.make_tensor("value", rng.choice((1, 7)), rng.choice(([1], [1], [])), [1])
        return [numbers(*shape)], {"value": filled} if rng.random() < 0.7 else {}, 1
    if type_ in ("Conv", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"):
        return sliding(type_, opset, rng)
    if type_ == "Reshape":
        asked = rng.choice(
            (shape, [-1], [0] * rank, [*shape[1:], -1], [1, *shape], [-1, -1], [2, -1], [7, 3], [0] * 5, [])
        )
        asked = rng.sample(asked, len(asked))
        extra = {"allowzero": rng.randrange(2)} if opset >= 14 and rng.random() < 0.3 else {}
        return [data, numbers(*asked)], extra, 1
    if type_ == "Flatten":
        return [data], {"axis": axis} if rng.random() < 0.7 else {}, 1
    if type_ == "Transpose":
        order = rng.sample(range(rank), rank)
        return [data], rng.choice(({}, {"perm": order}, {"perm": order}, {"perm": [0] * rank}, {"perm": order[1:]})), 1
    if type_ in ("Squeeze", "Unsqueeze"):
        axes = [axis] if rng.random() < 0.6 else [*some, *some[:1]] if rng.random() < 0.2 else some
        if type_ == "Squeeze":
            shape = [
                1 if index in {entry % max(rank, 1) for entry in axes} and rng.random() < 0.9 else size
                for index, size in enumerate(shape)
            ]
        return (
            ([(shape, kind, None), numbers(*axes)], {}, 1)
            if opset >= 13
            else ([(shape, kind, None)], {"axes": axes}, 1)
        )
    if type_ == "Expand":
        asked = broadcasting(rng, shape)
        return rng.choice(([data, numbers(*asked)], [(asked, kind, None), numbers(*shape)])), {}, 1
    if type_ == "Concat":
        others = []
        for _ in range(rng.randrange(3)):
            other = list(shape)
            if other:
                other[axis if -rank <= axis < rank else rng.randrange(rank)] = rng.randrange(5)
                if rng.random() < 0.1:
                    other[rng.randrange(rank)] += 1
            others.append((other, kind, None))
        return [data, *others], {"axis": axis}, 1
    if type_ == "Split":
        return splitting(data, axis, opset, rng)
    if type_ == "Slice":
        axes = some or [axis]
        starts, ends = ([rng.randint(-8, 8) for _ in axes] for _ in range(2))
        steps = [rng.choice((1, 1, 2, 3, -1, 0)) for _ in axes]
        if opset < 10:
            return [data], {"starts": starts, "ends": ends, **({"axes": axes} if rng.random() < 0.7 else {})}, 1
        inputs = [numbers(*values) for values in (starts, ends, axes, steps)]
        return [data, *inputs[: rng.randint(2, 4)]], {}, 1
    if type_ == "Gather":
        return [data, (sizes(rng, rng.randrange(3)), "int64", None)], {"axis": axis} if rng.random() < 0.7 else {}, 1
    if type_ == "MatMul":
        inner, lead = rng.randint(1, 4), sizes(rng, rng.randrange(3))
        return [([*lead, 3, inner], kind, None), ([*broadcasting(rng, lead), inner, 5], kind, None)], {}, 1
    if type_ == "Gemm":
        inner, flags = rng.randint(1, 4), {name: rng.randrange(2) for name in ("transA", "transB")}
        left, right = [3, inner], [inner, 5]
        inputs = [left[::-1] if flags["transA"] else left, right[::-1] if flags["transB"] else right, [3, 5]]
        return [(entry, kind, None) for entry in inputs[: rng.randint(2 if opset >= 11 else 3, 3)]], flags, 1
    if type_ in REDUCTIONS:
        flags = {"keepdims": rng.randrange(2)} if rng.random() < 0.7 else {}
        since = schema("", type_, opset)
        if rng.random() < 0.2:
            return [data], flags, 1
        if since is not None and "axes" in since.attributes:
            return [data], {**flags, "axes": some}, 1
        return [data, numbers(*some)], {**flags, **({"noop_with_empty_axes": 1} if rng.random() < 0.2 else {})}, 1
    if type_ in ("ArgMax", "ArgMin"):
        return [data], {"axis": axis, "keepdims": rng.randrange(2)}, 1
    assert type_ == "Resize"
    scales = [rng.choice((1, 2, 0.5, 1.3, 0.33, 3.7, 0)) if rng.random() < 0.3 else 2.0 for _ in range(rank)]
    factors, roi = ([rank], "float32", np.array(scales, np.float32)), ([0], "float32", np.zeros(0, np.float32))
    if opset < 11:
        return [data, factors], {}, 1
    mode = {"coordinate_transformation_mode": "tf_crop_and_resize"} if rng.random() < 0.1 else {}
    asked = numbers(*(rng.randint(1, 9) for _ in range(rank + (rng.random() < 0.1))))
    return (
        rng.choice(
            ([data, roi, factors], [data, roi, roi, asked], [data, None, None, asked], [data, roi, factors, asked])
        ),
        mode,
        1,
    )


def sliding(type_: str, opset: int, rng: random.Random) -> tuple[list, dict, int]:
    """A convolution or a pooling."""
    axes = rng.randint(1, 3)
    shape = [rng.randint(1, 2), rng.randint(1, 4), *(rng.randint(1, 9) for _ in range(axes))]
    data = (shape, "float32", None)
    if type_.startswith("Global"):
        return [data], {}, 1
    kernel = [rng.randint(1, 3) for _ in range(axes)]
    attributes: dict = {"kernel_shape": kernel} if type_ != "Conv" or rng.random() < 0.6 else {}
    choices = {"strides": (axes, 1, 3), "pads": (2 * axes, 0, 2), "dilations": (axes, 1, 2)}
    for name, (length, least, most) in choices.items():
        if rng.random() < 0.5 and not (
            name == "dilations" and type_ != "Conv" and opset < (10 if type_ == "MaxPool" else 19)
        ):
            attributes[name] = [rng.randint(least, most) for _ in range(length - (rng.random() < 0.05))]
    if rng.random() < 0.2:
        attributes["auto_pad"] = rng.choice(("SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"))
    if type_ != "Conv":
        if opset >= 10 and rng.random() < 0.2:
            attributes["ceil_mode"] = rng.randrange(2)
        return [data], attributes, 2 if type_ == "MaxPool" and rng.random() < 0.1 else 1
    group = rng.choice((1, 1, shape[1]))
    weight = [4 * group, shape[1] // group, *kernel]
    biased = [([4 * group], "float32", None)] * rng.randrange(2)
    return [data, (weight, "float32", None), *biased], {**attributes, "group": group}, 1


def splitting(data: tuple, axis: int, opset: int, rng: random.Random) -> tuple[list, dict, int]:
    """A Split."""
    shape = data[0]
    size = shape[axis] if -len(shape) <= axis < len(shape) else 4
    count = rng.randint(1, 3)
    parts = [1] * (count - 1) + [size - count + 1 + (rng.random() < 0.1)]
    attributes = {"axis": axis}
    if rng.random() < 0.5:
        return [data], {**attributes, **({"num_outputs": count} if opset >= 18 else {})}, count
    if opset >= 13:
        return [data, numbers(*parts)], attributes, count
    return [data], {**attributes, "split": parts}, count


def spoilt(inputs: list, attributes: dict, outputs: int, rng: random.Random) -> tuple[list, dict, int]:
    """The same with something wrong, or unusual, in it."""
    inputs, attributes = list(inputs), dict(attributes)
    index = rng.randrange(len(inputs))
    change = rng.randrange(8)
    if change == 0 and inputs[index] is not None:
        shape = inputs[index][0]
        inputs[index] = shape, rng.choice(("float16", "int64", "bool", "string", "float64", "uint8", "bfloat16")), None
    elif change == 1:
        del inputs[index]
    elif change == 2:
        inputs.append(([2], "float32", None))
    elif change == 3:
        attributes["unheard_of"] = 1
    elif change == 4 and attributes:
        attributes[rng.choice(list(attributes))] = rng.choice((0, -1, [0], [-1, 2], "text", 0.5))
    elif change == 5:
        outputs = rng.randrange(4)
    elif change == 6:
        inputs[index] = None
    elif inputs[index] is not None:
        shape, dtype, _ = inputs[index]
        inputs[index] = [*shape, rng.randint(0, 4)], dtype, None
    return inputs, attributes, outputs


def operation_of(node: onnx.NodeProto, inputs: list, opset: int) -> Operation:
    tensors = tuple(
        None if entry is None else Tensor(name, tuple(entry[0]), entry[1], entry[2])
        for name, entry in zip(node.input, inputs, strict=True)
    )
    return Operation(
        GraphReader(Path("model.onnx")).node(node, "0"),
        opset,
        tensors,
        tuple(Tensor(name) if name else None for name in node.output),
    )


def asked_of_onnx(operation: Operation) -> list[tuple[tuple[int, ...], str] | None] | None:
    """What onnx says of each output; None where it refuses."""
    node = operation.node
    given = {tensor.name: tensor for tensor in operation.read}
    types = {name: helper.make_tensor_type_proto(dtype_code(entry.dtype), entry.shape) for name, entry in given.items()}
    values = {name: numpy_helper.from_array(entry.value) for name, entry in given.items() if entry.value is not None}
    try:
        answer = onnx.shape_inference.infer_node_outputs(
            schema("", node.type, operation.version),
            node.proto,
            types,
            values,
            None,
            [helper.make_opsetid("", operation.version)],
        )
    except (onnx.shape_inference.InferenceError, onnx.checker.ValidationError):
        return None
    result: list[tuple[tuple[int, ...], str] | None] = []
    for name in node.outputs:
        dense = answer[name].tensor_type if name in answer else TensorProto()
        known = name in answer and dense.HasField("shape") and all(dim.HasField("dim_value") for dim in dense.shape.dim)
        result.append((tuple(dim.dim_value for dim in dense.shape.dim), dtype_name(dense.elem_type)) if known else None)
    return result


@pytest.mark.parametrize("type_", sorted(SHAPE_RULES))
def test_a_rule_says_what_onnx_says(type_: str) -> None:
    sure = 0
    for opset in OPSETS:
        if schema("", type_, opset) is None:
            continue
        rng = random.Random(f"{type_} {opset}")
        for index in range(CASES):
            inputs, attributes, outputs = case(type_, opset, rng)
            if index % 3 == 2:
                inputs, attributes, outputs = spoilt(inputs, attributes, outputs, rng)
            names = [f"i{number}" if entry is not None else "" for number, entry in enumerate(inputs)]
            attributes = {name: value for name, value in attributes.items() if value != []}
            node = helper.make_node(type_, names, [f"o{number}" for number in range(outputs)], **attributes)
            operation = operation_of(node, inputs, opset)
            answer = infer(operation)
            if answer is None:
                continue
            sure += 1
            assert list(answer) == asked_of_onnx(operation), (opset, inputs, node)
    assert sure >= CASES / 3


def test_the_models_of_one_node_that_onnx_brings() -> None:
    """With the values of whole numbers known, as of a file's constants."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package divides by zero as it computes what it expects
        from onnx.backend.test.loader import load_model_tests

        tests = load_model_tests(kind="node")
    sure = 0
    for test in tests:
        model = test.model if test.model is not None else onnx.load(Path(test.model_dir, "model.onnx"))
        if len(model.graph.node) != 1 or model.functions or not test.data_sets:
            continue
        (node,) = model.graph.node
        if node.domain or node.op_type not in SHAPE_RULES:
            continue
        opset = next(entry.version for entry in model.opset_import if not entry.domain)
        arrays = dict(zip([info.name for info in model.graph.input], test.data_sets[0][0], strict=True))
        if not all(isinstance(array, np.ndarray) and array.dtype.kind in "fiub" for array in arrays.values()):
            continue
        inputs = [
            None if not name else (arrays[name].shape, str(arrays[name].dtype), _known(arrays[name]))
            for name in node.input
        ]
        operation = operation_of(node, inputs, opset)
        answer = infer(operation)
        if answer is not None:
            sure += 1
            assert list(answer) == asked_of_onnx(operation), test.name
            made = test.data_sets[0][1]
            assert [shape for shape, _ in answer][: len(made)] == [array.shape for array in made], test.name
    assert sure > 200


def _known(array: np.ndarray) -> np.ndarray | None:
    return array if array.size <= 16 and array.ndim == 1 else None
