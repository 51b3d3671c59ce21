"""The base of everything that crosses a process boundary or reaches a file."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A frozen value: unknown keys, NaN and infinities are refused, so that unknown never reads as known."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, ser_json_inf_nan="constants")
