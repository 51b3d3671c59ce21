"""The scanner of pickles, archives and PyTorch's files."""

from __future__ import annotations

from vetgate.api import Finding, ScanContext, UnreadableArtifact
from vetgate_scan import content, legacy, zip_directory
from vetgate_scan.log import Log
from vetgate_scan.mapped import mapped

TORCH_FORMATS = ("torch-weights", "torchscript", "torch-export")


class PickleScanner:
    """Reads whatever holds pickles or members: checkpoints, TorchScript, exported programs, arrays, archives."""

    def scan(self, context: ScanContext) -> tuple[Finding, ...]:
        """Return what was found in any file that ships.

        Raises:
            UnreadableArtifact: A model of PyTorch is neither a zip archive nor an older checkpoint, or it is cut off
                and nothing worse.
        """
        log = Log(context.artifact.size)
        cut: Finding | None = None
        for file in context.files:
            where = file.relative_to(context.artifact.file.parent).as_posix()
            with mapped(file) as raw, memoryview(raw) as data:
                if context.format in TORCH_FORMATS and file == context.artifact.file:
                    _refuse_others(data, context)
                    content.read_content(data, log, where)
                elif content.is_known(data[:512]):
                    content.read_content(data, log, where)
            if file == context.artifact.file:
                cut, log.cut = log.cut, None
            log.settle()
        if cut is not None and not log.findings:
            raise UnreadableArtifact(f"{context.artifact.name} ends too soon: {cut.message}", hint=cut.advice)
        return log.all() if cut is None else (*log.all(), cut)


def _refuse_others(data: memoryview, context: ScanContext) -> None:
    is_zip = bytes(data[:4]) == zip_directory.LOCAL
    is_older = context.format == "torch-weights" and bytes(data[:1]) == b"\x80" and legacy.is_checkpoint(data)
    if not is_zip and not is_older:
        raise UnreadableArtifact(
            f"{context.artifact.name} cannot be read as {context.format}: it begins as no such file does",
            hint="it may be truncated or corrupt; compare its sha256 with the original's",
        )
