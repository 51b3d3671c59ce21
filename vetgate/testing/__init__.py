"""Contract tests that plugin authors inherit, and a toy model to run them on. Needs pytest.

A backend's whole test file can be:

    class TestMyBackend(BackendContract):
        def spec(self): return next(iter(plugin.vetgate_backends()))
        def example(self, folder): return Example(path, card, images, expected)
"""

from vetgate.testing.compressor import CompressorContract
from vetgate.testing.contracts import BackendContract, CheckContract, DataSourceContract, Example, ReporterContract
from vetgate.testing.labeller import LabellerContract
from vetgate.testing.publisher import PublisherContract
from vetgate.testing.scanner import Payload, Sample, ScannerContract
from vetgate.testing.service import ServedExample, ServiceContract
from vetgate.testing.source import ArtifactSourceContract
from vetgate.testing.toy import LinearModel, toy_card, toy_table
from vetgate.testing.trainer import TrainerCheckContract

__all__ = [
    "ArtifactSourceContract",
    "BackendContract",
    "CheckContract",
    "CompressorContract",
    "DataSourceContract",
    "Example",
    "LabellerContract",
    "LinearModel",
    "Payload",
    "PublisherContract",
    "ReporterContract",
    "Sample",
    "ScannerContract",
    "ServedExample",
    "ServiceContract",
    "TrainerCheckContract",
    "toy_card",
    "toy_table",
]
