"""What the engines on PyTorch share: the card that it finds, faster layers, and PCM. Imports PyTorch."""

import torch

from deployments.gpu_memory.device_choice import CardFacts, DeviceChoice, choose_device


def find_device(engine: str, wanted: str) -> DeviceChoice:
    """See ``choose_device``. Does not touch a card that is not wanted. Raises EngineFailed."""
    return choose_device(engine, wanted, _find_card() if wanted != "cpu" else None)


def _find_card() -> CardFacts | None:
    """The first card that PyTorch sees."""
    if not torch.cuda.is_available():
        return None
    major, minor = torch.cuda.get_device_capability(0)
    return CardFacts(torch.cuda.get_device_name(0), (major, minor), _has_kernels(major, minor))


def _has_kernels(major: int, minor: int) -> bool:
    """Binary code of PyTorch runs on cards of the same major version; PTX code (``compute_``) on all newer ones."""
    for name in torch.cuda.get_arch_list():
        kind, _, number = name.partition("_")
        digits = "".join(filter(str.isdigit, number))
        compiled = int(digits[:-1] or 0), int(digits[-1:] or 0)
        if compiled <= (major, minor) and (kind == "compute" or compiled[0] == major):
            return True
    return False


def merge_weight_norms(model: torch.nn.Module) -> None:
    """Otherwise every call computes the weights again."""
    for module in model.modules():
        if torch.nn.utils.parametrize.is_parametrized(module, "weight"):
            torch.nn.utils.parametrize.remove_parametrizations(module, "weight")
