"""The OpScore: pure arithmetic.

Source: İ. Arı and M. B. Çamlı, "Tradeoff Assessment of Deep Learning Models based on Accuracy, Time and Size" (Derin
Öğrenme Modellerinin Doğruluk, Süre ve Boyut Temelli Ödünleşme Değerlendirmesi), DOI 10.17671/gazibtd.976711, accepted
2022, equation 1:

    OpScore = -log10(1 / (1 - Acc)) + log10(Time) + log10(Size(MB))
"""

from __future__ import annotations

import math

INFERENCE_IMAGES = 10_000
"""The paper's inference times are for this many images, the size of a CIFAR test set."""
EPOCH_IMAGES = 50_000
"""Its training times are for one epoch of this many, the size of a CIFAR training set."""


def opscore(error: float, seconds: float, megabytes: float) -> float:
    """Return the score; lower is better, and -1 is ten times less of error, time or size.

    Practical models lie between 0 and 5. It means something only beside scores of the same data and machine.

    Args:
        error: 1 - Acc, in (0, 1]; see floored_error.
        seconds: Time for 10,000 images, or for one epoch of 50,000; above 0.
        megabytes: Size of everything that ships, in 10^6 bytes; above 0.
    """
    return math.log10(error) + math.log10(seconds) + math.log10(megabytes)


def floored_error(accuracy: float, images: int) -> float:
    """Return 1 - accuracy, but no less than half an image's share: a model without error has no finite score.

    Args:
        accuracy: In [0, 1].
        images: N, images that the accuracy rests on.
    """
    return max(1.0 - accuracy, 1.0 / (2 * images))


def inference_seconds(images_per_second: float) -> float:
    """Return the seconds that 10,000 images take."""
    return INFERENCE_IMAGES / images_per_second


def epoch_seconds(seconds: float, epochs: int, images: int) -> float:
    """Return the seconds of one epoch of 50,000 images.

    Args:
        seconds: Of the whole training.
        epochs: Passes over the training set.
        images: In one pass.
    """
    return seconds / epochs / images * EPOCH_IMAGES
