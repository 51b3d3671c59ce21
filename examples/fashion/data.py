"""Fashion-MNIST as arrays and as normalised tensors."""

import gzip
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
MEAN = 0.286
STD = 0.353
SOURCE = Path("/usr/share/datasets/fashion-mnist")
CALIBRATION_COUNT = 1000
CALIBRATION_SEED = 2
IDX_IMAGES = 2051
IDX_LABELS = 2049

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]


def read_idx(path: Path) -> Images:
    """Return the unsigned bytes of a gzipped IDX file in their shape: (N, 28, 28) or (N,).

    Raises:
        ValueError: The file does not begin with the magic number of images or labels.
    """
    content = gzip.decompress(path.read_bytes())
    magic = int.from_bytes(content[:4], "big")
    if magic not in (IDX_IMAGES, IDX_LABELS):
        raise ValueError(f"{path.name} begins with {magic}, not with {IDX_IMAGES} or {IDX_LABELS}")
    dimensions = magic & 0xFF
    shape = tuple(np.frombuffer(content, ">u4", dimensions, offset=4).tolist())
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def load(source: Path, split: str) -> tuple[Images, Labels]:
    """Return images (N, 28, 28) in [0, 255] and labels (N,) in [0, 9] of split `train` or `t10k`."""
    images = read_idx(source / f"{split}-images-idx3-ubyte.gz")
    labels = read_idx(source / f"{split}-labels-idx1-ubyte.gz").astype(np.int64)
    return images, labels


def normalise(images: Images) -> torch.Tensor:
    """Return images (N, 28, 28) as float32 (N, 1, 28, 28): (pixel / 255 - MEAN) / STD."""
    pixels = torch.from_numpy(images.copy()).unsqueeze(1).float()
    return (pixels / 255 - MEAN) / STD


def sample(source: Path) -> Images:
    """Return CALIBRATION_COUNT training images (N, 28, 28) to calibrate quantisation on, without labels."""
    images, _ = load(source, "train")
    chosen = np.random.default_rng(CALIBRATION_SEED).choice(len(images), CALIBRATION_COUNT, replace=False)
    return images[chosen]


def save_split(source: Path, split: str, path: Path) -> None:
    """Write the images of a split, their labels and the class names to one compressed file."""
    images, labels = load(source, split)
    np.savez_compressed(path, images=images, labels=labels, classes=np.array(CLASSES))
