"""Make int8.tflite from reference.pt: eight-bit weights, activations, input and output.

Needs an environment of its own, as the converter pins other versions than vetgate:

    pip install torch==2.13.0 litert-torch==0.10.0 ai-edge-quantizer==0.10.0
"""

import argparse
import tempfile
import time
from pathlib import Path

import litert_torch
import torch
from ai_edge_quantizer import quantizer, recipe
from architecture import fashion_resnet
from card import write_card
from data import SOURCE, Images, normalise, sample

SIGNATURE = "serving_default"
INPUT = "args_0"


def convert(weights: Path, path: Path) -> None:
    """Write the reference as a float32 TFLite file: (1, 28, 28, 1) to logits (1, 10)."""
    model = fashion_resnet()
    model.load_state_dict(torch.load(weights, weights_only=True))
    channels_last = litert_torch.to_channel_last_io(model.eval(), args=[0])
    litert_torch.convert(channels_last.eval(), (torch.zeros(1, 28, 28, 1),)).export(str(path))


def quantise(floating: Path, calibration: Images, path: Path) -> None:
    """Write the file with static eight-bit weights and activations.

    The quantiser takes a moving average of each image's smallest and largest activation, so the widest
    logits are clipped.

    Args:
        floating: The float32 file.
        calibration: Training images (N, 28, 28), uint8.
        path: The file to write; one that exists is replaced.
    """
    images = normalise(calibration).permute(0, 2, 3, 1).contiguous().numpy()
    tool = quantizer.Quantizer(str(floating), recipe.static_wi8_ai8())
    ranges = tool.calibrate({SIGNATURE: [{INPUT: image[None]} for image in images]})
    path.write_bytes(tool.quantize(ranges, enable_progress_report=False).quantized_model)


def main() -> None:
    """Convert, quantise and write the card."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--source", type=Path, default=SOURCE, help="folder of the four IDX files")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent, help="folder of reference.pt")
    arguments = parser.parse_args()
    begin = time.perf_counter()
    path = arguments.output / "int8.tflite"
    with tempfile.TemporaryDirectory() as folder:
        floating = Path(folder, "float32.tflite")
        convert(arguments.output / "reference.pt", floating)
        quantise(floating, sample(arguments.source), path)
    write_card(path, layout="NHWC")
    print(f"{path.name}: {time.perf_counter() - begin:.1f} s")


if __name__ == "__main__":
    main()
