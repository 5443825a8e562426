"""ONNX models small enough to be written by hand: protobuf messages (onnx.proto3) with the few fields they need."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FLOAT, DOUBLE = 1, 11
_INT, _INTS = 2, 7

Size = int | str
Node = tuple[str, Sequence[str], str, Mapping[str, int | Sequence[int]]]
"""Operator, inputs, output, attributes."""

OPEN: tuple[Size, ...] = (1, 2, "N")


def message(*fields: tuple[int, int | bytes | str]) -> bytes:
    """The fields, each under its number, on the wire of protobuf: numbers as varints, the rest with their length."""
    return b"".join(_field(number, value) for number, value in fields)


def _field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    head = bytearray()
    while value > 0x7F:
        head.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*head, value])


def model(
    *nodes: Node,
    weights: Mapping[str, NDArray[np.float32]] | None = None,
    takes: Sequence[Size] = OPEN,
    makes: Sequence[Size] = OPEN,
    inputs: Sequence[str] = ("mix",),
    kind: int = FLOAT,
    tensors: Sequence[bytes] = (),
) -> bytes:
    """A model from "mix" to "stem"."""
    graph = message(
        *((1, _node(node)) for node in nodes),
        (2, "graph"),
        *((5, _tensor(name, values)) for name, values in (weights or {}).items()),
        *((5, tensor) for tensor in tensors),
        *((11, _value(name, kind, takes)) for name in inputs),
        (12, _value("stem", kind, makes)),
    )
    return message((1, 8), (8, message((1, ""), (2, 17))), (7, graph))


def gain(left: float, right: float, *, sizes: Sequence[Size] = OPEN) -> bytes:
    """Gives the two channels times a number each."""
    weights = {"gain": np.array([left, right], np.float32).reshape(1, 2, 1)}
    return model(("Mul", ("mix", "gain"), "stem", {}), weights=weights, takes=sizes, makes=sizes)


def smear(samples: int, *, sizes: Sequence[Size] = OPEN) -> bytes:
    """Gives the mean of so many samples, an odd number, around each: it hears beyond the edges of its chunk."""
    kernel = np.full((2, 1, samples), 1 / samples, np.float32)
    around = samples // 2
    attributes: dict[str, int | Sequence[int]] = {"group": 2, "pads": (around, around)}
    return model(("Conv", ("mix", "kernel"), "stem", attributes), weights={"kernel": kernel}, takes=sizes, makes=sizes)


def no_numbers() -> bytes:
    """Gives silence of silence, and of all else the roots of negative numbers."""
    return model(
        ("Abs", ("mix",), "size", {}), ("Neg", ("size",), "below", {}), ("Sqrt", ("below",), "stem", {}),
    )  # fmt: skip


def weights_elsewhere(file: str) -> bytes:
    """A model whose weights lie in another file, which its own hash does not cover."""
    places = [message((1, key), (2, value)) for key, value in (("location", file), ("offset", "0"), ("length", "8"))]
    dims = [(1, 1), (1, 2), (1, 1)]
    tensor = message(*dims, (2, FLOAT), (8, "gain"), *((13, place) for place in places), (14, 1))
    return model(("Mul", ("mix", "gain"), "stem", {}), tensors=[tensor])


def write_model(path: Path, content: bytes) -> str:
    """Its SHA-256."""
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _node(node: Node) -> bytes:
    operator, inputs, output, attributes = node
    given = [_attribute(name, value) for name, value in attributes.items()]
    return message(*((1, name) for name in inputs), (2, output), (4, operator), *((5, each) for each in given))


def _attribute(name: str, value: int | Sequence[int]) -> bytes:
    if isinstance(value, int):
        return message((1, name), (3, value), (20, _INT))
    return message((1, name), *((8, each) for each in value), (20, _INTS))


def _tensor(name: str, values: NDArray[np.float32]) -> bytes:
    return message(*((1, size) for size in values.shape), (2, FLOAT), (8, name), (9, values.tobytes()))


def _value(name: str, kind: int, sizes: Sequence[Size]) -> bytes:
    dims = [message((1, size)) if isinstance(size, int) else message((2, size)) for size in sizes]
    shape = message(*((1, dim) for dim in dims))
    return message((1, name), (2, message((1, message((1, kind), (2, shape))))))
