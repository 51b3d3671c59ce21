"""Print the size, the accuracy and the agreement with the reference of every model of this folder.

The table of README.md, on all 10,000 images of test.npz; needs torch, onnxruntime and ai-edge-litert.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from ai_edge_litert.interpreter import Interpreter
from architecture import fashion_resnet
from data import normalise

BATCH = 500

Logits = npt.NDArray[np.float32]


def run_torch(path: Path, images: torch.Tensor) -> Logits:
    """Return logits (N, 10) of a state dict of the network for normalised images (N, 1, 28, 28)."""
    model = fashion_resnet()
    model.load_state_dict(torch.load(path, weights_only=True))
    with torch.inference_mode():
        logits: Logits = torch.cat([model.eval()(batch) for batch in torch.split(images, BATCH)]).numpy()
    return logits


def run_onnx(path: Path, images: torch.Tensor) -> Logits:
    """Return logits (N, 10) of an ONNX file for normalised images (N, 1, 28, 28)."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    batches = torch.split(images, BATCH)
    return np.concatenate([session.run(["logits"], {"image": batch.numpy()})[0] for batch in batches])


def run_tflite(path: Path, images: torch.Tensor) -> Logits:
    """Return logits (N, 10) of an int8 TFLite file for normalised images (N, 1, 28, 28), one at a time."""
    interpreter = Interpreter(str(path), num_threads=1)
    interpreter.allocate_tensors()
    (entry,), (leave,) = interpreter.get_input_details(), interpreter.get_output_details()
    scale, zero = entry["quantization"]
    quantised = np.clip(np.rint(images.numpy() / scale) + zero, -128, 127).astype(np.int8)
    outputs = []
    for image in quantised.reshape(-1, *entry["shape"]):
        interpreter.set_tensor(entry["index"], image)
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(leave["index"]))
    scale, zero = leave["quantization"]
    logits: Logits = ((np.concatenate(outputs).astype(np.float32) - zero) * scale).astype(np.float32)
    return logits


RUNNERS = {".pt": run_torch, ".onnx": run_onnx, ".tflite": run_tflite}


def main() -> None:
    """Print one row of a Markdown table for each model."""
    folder = Path(__file__).parent
    test = np.load(folder / "test.npz")
    images, labels = normalise(test["images"]), test["labels"]
    reference = run_torch(folder / "reference.pt", images).argmax(axis=1)
    print("| file | bytes | accuracy % | agreement % |\n|---|---:|---:|---:|")
    for path in sorted(path for path in folder.iterdir() if path.suffix in RUNNERS):
        predicted = RUNNERS[path.suffix](path, images).argmax(axis=1)
        accuracy, agreement = 100 * np.mean(predicted == labels), 100 * np.mean(predicted == reference)
        print(f"| {path.name} | {path.stat().st_size:,} | {accuracy:.2f} | {agreement:.2f} |")


if __name__ == "__main__":
    main()
