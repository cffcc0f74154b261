"""Models in ONNX files, read as data and replayed on the meta device."""

from hwcost.sources.onnx_model.subject import subject

__all__ = ["subject"]
