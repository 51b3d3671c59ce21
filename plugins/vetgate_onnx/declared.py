"""What can be asked of ONNX Runtime by name; nothing heavy is imported to declare it."""

from __future__ import annotations

from vetgate.api import SettingKind, SettingSpec

CPU = "CPUExecutionProvider"
ACCELERATORS = (
    *("CUDAExecutionProvider", "TensorrtExecutionProvider", "NvTensorRTRTXExecutionProvider"),
    *("ROCMExecutionProvider", "MIGraphXExecutionProvider", "DmlExecutionProvider", "WebGpuExecutionProvider"),
    *("CANNExecutionProvider", "QNNExecutionProvider", "RknpuExecutionProvider", "VitisAIExecutionProvider"),
    *("VSINPUExecutionProvider",),
)
"""Providers that run on a GPU or the like."""
PROVIDERS = (
    *(CPU, "XnnpackExecutionProvider", "DnnlExecutionProvider", "OpenVINOExecutionProvider"),
    *("CoreMLExecutionProvider", "NnapiExecutionProvider", "ACLExecutionProvider", "AzureExecutionProvider"),
    *ACCELERATORS,
)
"""Names that ONNX Runtime knows; which of them an installation has shows when a model is opened."""
OPTIONS = (
    SettingSpec(
        "graph_optimization",
        SettingKind.TEXT,
        "how much ONNX Runtime may change the graph",
        choices=("disabled", "basic", "extended", "all"),
        default="all",
    ),
    SettingSpec("device_id", SettingKind.WHOLE, "which of several devices of a provider", low=0, high=1023),
)
