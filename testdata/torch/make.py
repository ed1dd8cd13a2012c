"""Writes the PyTorch files of this folder: python make.py (torch 2.13). Nothing else in the project needs Python."""
import os
from collections import OrderedDict
from pathlib import Path

import torch

HERE = Path(__file__).parent


def dtypes():
    """Every dtype; views, an offset and a storage that two tensors share; a scalar, no elements, a parameter."""
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    other = base.clone()
    few = torch.tensor([0, 1, 2, 127])
    wide = {"f16": torch.float16, "bf16": torch.bfloat16, "f64": torch.float64}
    whole = {"i64": torch.int64, "i32": torch.int32, "i16": torch.int16, "i8": torch.int8, "u8": torch.uint8}
    return OrderedDict({
        "f32": base,
        "transposed": base.clone().t(),
        "slice": other[1:3, 0:6:2],
        "shared": other.flatten()[:6],
        **{name: few.to(dtype) for name, dtype in (wide | whole).items()},
        "bool": torch.tensor([True, False]),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 3),
        "param": torch.nn.Parameter(torch.full((1, 1), 1.5)),
    })


def nested():
    """A checkpoint as trainers write them: the parameters under state_dict, with whatever else beside them."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.BatchNorm1d(1))
    return {"state_dict": model.state_dict(), "epoch": 3, "lr": 1e-4, "args": {"a": [1, (2, None)], "b": True}}


class Evil:
    """What a reader that unpickles would run."""

    def __reduce__(self):
        return os.system, ("echo hacked",)


torch.save(dtypes(), HERE / "dtypes.bin")
torch.save(nested(), HERE / "nested.pth")
torch.save({"a": torch.zeros(1), "x": Evil()}, HERE / "evil.bin")
