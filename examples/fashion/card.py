"""The card beside each model: what the file expects, what it returns and how it was trained."""

from pathlib import Path

from data import CLASSES, MEAN, STD

TRAINING_IMAGES = 60_000

CARD = """\
version: 1
input:
  size: [28, 28]
  resize: none
  crop: none
  colour: grey
  scale: 1/255
  mean: [{mean}]
  std: [{std}]
  layout: {layout}
output:
  kind: logits
  classes: [{classes}]
"""

TRAINING = """\
training:
  seconds: {seconds:.0f}
  epochs: {epochs}
  images: {images}
"""


def write_card(model: Path, layout: str = "NCHW", seconds: float | None = None, epochs: int | None = None) -> None:
    """Write the card of a model beside it; training is left out where the model was not trained.

    Args:
        model: The model's file; its card is called the same with `.yaml` behind it.
        layout: Order of the input's axes, NCHW or NHWC.
        seconds: Measured training time in seconds.
        epochs: Passes over the training images.
    """
    text = CARD.format(mean=MEAN, std=STD, layout=layout, classes=", ".join(CLASSES))
    if seconds is not None:
        text += TRAINING.format(seconds=seconds, epochs=epochs, images=TRAINING_IMAGES)
    model.with_name(model.name + ".yaml").write_text(text)
