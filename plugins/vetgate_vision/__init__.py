"""The one door to torchvision, for the plugins that need it or a library that imports it.

A torchvision built for CUDA cannot load its C extension on a machine without CUDA libraries; its import then dies with
`operator torchvision::nms does not exist`. The models need none of that extension, so the schemas it would have
registered are declared and the import is tried again.
"""

from vetgate_vision.door import torchvision

__all__ = ["torchvision"]
