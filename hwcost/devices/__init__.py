"""Device profiles: YAML becomes a frozen, sourced device."""

from hwcost.devices.device import ComputeUnit, Device, Level, Number
from hwcost.devices.folder import device_names, load_device, load_devices

__all__ = ["ComputeUnit", "Device", "Level", "Number", "device_names", "load_device", "load_devices"]
