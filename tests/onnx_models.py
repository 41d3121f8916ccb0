"""Tiny ONNX models with the inputs of real inpainting models. They paint half of the brightest value they see.

What they paint tells which range and which mask they were given.
"""

import onnx
from onnx import TensorProto, helper

FLOAT, UINT8 = TensorProto.FLOAT, TensorProto.UINT8


def save(file, nodes, inputs, output_type=FLOAT, output_channels=3, size=(None, None), **constants):
    """Write a model; `inputs` is (name, type, channels) each, `constants` are numbers by name."""
    shapes = [
        helper.make_tensor_value_info(n, t, [1, c, *(s or f"s{k}" for k, s in enumerate(size))]) for n, t, c in inputs
    ]
    result = helper.make_tensor_value_info("result", output_type, [1, output_channels, "h", "w"])
    numbers = [helper.make_tensor(name, FLOAT, [], [value]) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "tiny", shapes, [result], numbers)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), file)
    return file


def node(kind, inputs, output, **attributes):
    return helper.make_node(kind, inputs.split(), [output], **attributes)


def lama(file, output_scale, size=(None, None), share=0.5):
    """image 0..1 and mask, 1 = hole -> image outside of the hole, a share of its maximum inside."""
    nodes = [
        node("Sub", "one mask", "known"),
        node("Mul", "image known", "seen"),
        node("ReduceMax", "seen", "brightest", keepdims=0),
        node("Mul", "brightest half", "paint"),
        node("Mul", "mask paint", "painted"),
        node("Add", "seen painted", "whole"),
        node("Mul", "whole scale", "result"),
    ]
    inputs = [("image", FLOAT, 3), ("mask", FLOAT, 1)]
    return save(file, nodes, inputs, size=size, one=1.0, half=share, scale=output_scale)


def pipeline(file):
    """image 0..255 and mask, 255 = known -> the same, all uint8."""
    nodes = [
        node("Cast", "image", "colours", to=FLOAT),
        node("Cast", "mask", "levels", to=FLOAT),
        node("Div", "levels full", "known"),
        node("Sub", "one known", "hole"),
        node("Mul", "colours known", "seen"),
        node("ReduceMax", "seen", "brightest", keepdims=0),
        node("Mul", "brightest half", "paint"),
        node("Mul", "hole paint", "painted"),
        node("Add", "seen painted", "whole"),
        node("Cast", "whole", "result", to=UINT8),
    ]
    return save(file, nodes, [("mask", UINT8, 1), ("image", UINT8, 3)], UINT8, full=255.0, one=1.0, half=0.5)


def migan(file, size=(None, None)):
    """(known - 0.5, image * known) in -1..1 -> in the hole what is half of the brightest value in 0..1."""
    nodes = [
        helper.make_node("Split", ["input", "channels"], ["mask", "image"], axis=1),
        node("Add", "mask half", "known"),
        node("Sub", "one known", "hole"),
        node("ReduceMax", "image", "brightest", keepdims=0),
        node("Mul", "brightest half", "halved"),
        node("Sub", "halved half", "paint"),
        node("Mul", "hole paint", "painted"),
        node("Add", "image painted", "result"),
    ]
    file = save(file, nodes, [("input", FLOAT, 4)], size=size, one=1.0, half=0.5)
    model = onnx.load(file)
    model.graph.initializer.append(helper.make_tensor("channels", TensorProto.INT64, [2], [1, 3]))
    onnx.save(model, file)
    return file
