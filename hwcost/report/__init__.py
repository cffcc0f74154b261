"""What the stages add to the work of an op: traffic, cost, and the report that sums them."""

from hwcost.report.changing import ChangingShare
from hwcost.report.costs import STATED_SHARE, Cost, Crossing, Traffic
from hwcost.report.formats import Formats
from hwcost.report.generation import Generation
from hwcost.report.machine import Machine, Roof, Slope
from hwcost.report.report import Report, roofline_s
from hwcost.report.sums import Layer, Steps, Sum, layers_of, steps_of, sum_of
from hwcost.report.training import Footprint

__all__ = [
    "STATED_SHARE",
    "ChangingShare",
    "Cost",
    "Crossing",
    "Footprint",
    "Formats",
    "Generation",
    "Layer",
    "Machine",
    "Report",
    "Roof",
    "Slope",
    "Steps",
    "Sum",
    "Traffic",
    "layers_of",
    "roofline_s",
    "steps_of",
    "sum_of",
]
