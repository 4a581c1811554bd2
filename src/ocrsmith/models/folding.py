"""Batch normalisation folded into the convolutions before it: the same outputs, fewer passes over memory."""

from __future__ import annotations

import copy
import itertools
from typing import TypeVar

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

Model = TypeVar("Model", bound=nn.Module)


def fold_batch_norm(model: Model) -> Model:
    """A copy of `model`, in evaluation mode, whose normalisations are folded into their convolutions.

    Inside every nn.Sequential a BatchNorm2d that follows a Conv2d disappears (an nn.Identity stays in its place, so
    that names keep their numbers). Normalisations elsewhere are left as they are.
    """
    folded = copy.deepcopy(model).eval()
    for module in list(folded.modules()):
        if not isinstance(module, nn.Sequential):
            continue
        names = list(module._modules)
        for name, following in itertools.pairwise(names):
            convolution, norm = module._modules[name], module._modules[following]
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                module._modules[name] = fuse_conv_bn_eval(convolution, norm)
                module._modules[following] = nn.Identity()
    return folded
