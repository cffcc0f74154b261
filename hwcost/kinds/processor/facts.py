"""What a report shows of a processor: its roofs, its slopes, and what stands in for a dtype."""

from __future__ import annotations

from hwcost.devices.device import Device
from hwcost.kinds.processor.rates import notes, product_rate
from hwcost.report import Machine, Roof, Slope


def machine(device: Device, dtype: str, /, *others: str) -> Machine:
    """The device as a roofline for products in one dtype: the roof that they hit, and all others.

    others: dtypes in which the rest is computed, what is no product last. achieved is what gemm reaches
    of a peak. Levels whose bandwidth is not known have no slope.
    """
    rate = product_rate(device, dtype)
    share = _product_share(device, rate.unit.name, rate.dtype)
    return Machine(
        name=device.name,
        title=device.title,
        kind=device.kind,
        unverified_numbers=len(device.unverified),
        roof=_roof(rate.unit.name, rate.dtype, rate.flop_per_s, share),
        roofs=tuple(
            _roof(unit.name, name, float(peak), _product_share(device, unit.name, name))
            for unit in device.units
            for name, peak in unit.peak_flop_per_s.items()
        ),
        slopes=tuple(
            Slope(
                level=level.name,
                size_bytes=None if level.size_bytes is None else float(level.size_bytes),
                peak_bytes_per_s=float(level.peak_bytes_per_s),
                achieved_bytes_per_s=float(level.achieved_bytes_per_s),
            )
            for level in device.levels
            if level.peak_bytes_per_s is not None and level.achieved_bytes_per_s is not None
        ),
        memory_bytes=_memory_bytes(device),
        notes=device.notes,
        stand_ins=(*notes(device, dtype, *others), *_apart(device, rate.dtype)),
    )


def _apart(device: Device, dtype: str) -> tuple[str, ...]:
    """A sentence where the family has kernels for this dtype alone."""
    if device.family is None or dtype not in device.family.kernels:
        return ()
    return (
        f"{device.name} computes products in {dtype} by kernels of their own ({device.family.title}), which"
        " may take longer than those of wider types",
    )


def _product_share(device: Device, unit: str, dtype: str) -> float:
    """What large products reach of a peak: the profile's own share, else the family's of endless tiles."""
    kernels = device.family.kernels_of(unit, dtype) if device.family else None
    if kernels is None or "gemm" in device.own_classes:
        return float(device.efficiency.get("gemm", 1.0))
    return float(kernels.products.peak_share)


def _roof(unit: str, dtype: str, peak_flop_per_s: float, share: float) -> Roof:
    return Roof(
        unit=unit,
        dtype=dtype,
        peak_flop_per_s=peak_flop_per_s,
        achieved_flop_per_s=peak_flop_per_s * share,
    )


def _memory_bytes(device: Device) -> float | None:
    """Size of the farthest level, which has to hold everything."""
    size = device.levels[-1].size_bytes
    return None if size is None else float(size)
