"""Servers whose answers are refusals, rubbish, cut off, without end, of another version, or from elsewhere."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import numpy as np
import pytest
from vetgate_triton.settings import CONCURRENCY, HEADERS

from tests.plugins.triton.between import (
    aborting,
    over_grpc_listening,
    over_http,
    over_http_listening,
    replying,
    said,
    sending,
)
from tests.plugins.triton.conftest import Up
from tests.plugins.triton.test_faults import SECRET, listening, relay
from tests.plugins.triton.test_nonsense import BACKEND, SOURCE, ask
from tests.plugins.triton.tiny import expected, images, make_card
from vetgate.api import Inconclusive
from vetgate.testing.service import asked, found

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
SECONDS = 3.0


def _late() -> bytes:
    time.sleep(3)
    return b""


def json_answer(shape: list[int], data: list[object], **more: object) -> bytes:
    """Return an answer of HTTP with one tensor."""
    outputs = [{"name": "logits", "datatype": "FP32", "shape": shape, "data": data}]
    return said("200 OK", json.dumps({"model_name": "linear", "outputs": outputs, **more}).encode())


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (sending(said("500 Oops", b'{"error": "out of memory"}')), r"did not answer \(500\): out of memory"),
        (sending(said("429 Busy", b"<html>slow down</html>")), r"did not answer \(429\): <html>slow down"),
        (
            sending(said("302 Found", b"", "Location: http://169.254.169.254/")),
            r"elsewhere \(302\), and nobody follows",
        ),
        (sending(b"\x16\x03\x01\x02\x00 rubbish\r\n\r\n"), r"broke off in the middle"),
        (sending(said("200 OK", b"\xff\xfe rubbish")), r"answer of the server cannot be read"),
        (sending(said("200 OK", b"[]")), r"answer of the server cannot be read"),
        (
            sending(said("200 OK", b'{"outputs": []}', f"Inference-Header-Content-Length: {'9' * 5000}")),
            r"without|read",
        ),
        (sending(CHUNKED + b"ffff\r\nshort"), r"broke off in the middle"),
        (sending(CHUNKED + b"zz\r\nrubbish"), r"broke off in the middle"),
        (sending(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 70_000, again=True), r"how long its answer is"),
        (sending(json_answer([9, 4], [1.0] * 35)), r"answer of the server cannot be read"),
        (sending(json_answer([9, 4], ["a"] * 36)), r"answer of the server cannot be read"),
        (sending(json_answer([3, 12], [1.0] * 36)), r"answers 9 images with a tensor of 3 x 12"),
        (
            sending(json_answer([9, 4], [1.0] * 36, model_version="2")),
            r"version 2 of linear answers, where 1 was asked",
        ),
    ],
)
def test_an_answer_over_http_that_is_none_is_told(
    up: Up, tmp_path: Path, answer: Callable[[socket.socket], None], told: str
) -> None:
    with over_http_listening(up.http, answer) as port, pytest.raises(Inconclusive, match=told):
        ask(f"triton://127.0.0.1:{port}/linear", tmp_path, seconds=SECONDS)


@pytest.mark.parametrize(
    "answer",
    [
        sending(CHUNKED + b"1\r\nx\r\n" + b"1\r\nx\r\n" * 9000, again=True),
        sending(b"HTTP/1.1 100 Continue\r\n\r\n" * 9, again=True),
        sending(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n ", again=True, pause=0.2),
        sending(b"HTTP/1.1 200 OK\r\nX: ", again=True, pause=0.2),
    ],
)
def test_an_answer_that_does_not_end_is_given_up_in_time(
    up: Up, tmp_path: Path, answer: Callable[[socket.socket], None]
) -> None:
    start = time.monotonic()
    with over_http_listening(up.http, answer) as port, pytest.raises(Inconclusive, match=r"gave no answer|broke off"):
        ask(f"triton://127.0.0.1:{port}/linear", tmp_path, seconds=1.5)
    assert time.monotonic() - start < 6


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (aborting(grpc.StatusCode.INTERNAL, "out of memory"), r"did not answer \(500\): out of memory"),
        (aborting(grpc.StatusCode.RESOURCE_EXHAUSTED, "slow down"), r"did not answer \(429\): slow down"),
        (aborting(grpc.StatusCode.UNAVAILABLE, "model is being\nunloaded"), r"\(503\): model is being unloaded"),
        (aborting(grpc.StatusCode.UNAUTHENTICATED, "who?"), r"does not let us in \(401\)"),
        (lambda request, context: b"\xff" * 64, r"with no such message"),
        (lambda request, context: b"", r"without the output 'logits'"),
        (lambda request, context: replying(bytes(4), (9, 4)), r"answer of the server cannot be read"),
        (lambda request, context: replying(bytes(144), (3, 12)), r"answers 9 images with a tensor of 3 x 12"),
        (lambda request, context: replying(bytes(144), (9, 4), version="2"), r"version 2 of linear answers"),
        (lambda request, context: _late(), r"gave no answer within 1.2 s"),
    ],
)
def test_an_answer_over_grpc_that_is_none_is_told(
    up: Up, tmp_path: Path, answer: Callable[[bytes, grpc.ServicerContext], bytes], told: str
) -> None:
    asks: list[int] = []

    def counted(request: bytes, context: grpc.ServicerContext) -> bytes:
        asks.append(1)
        return answer(request, context)

    with over_grpc_listening(up.grpc, counted) as port, pytest.raises(Inconclusive, match=told):
        ask(f"triton+grpc://127.0.0.1:{port}/linear", tmp_path, seconds=1.5)
    assert len(asks) == 1, "nothing is asked twice that was answered"


@pytest.mark.parametrize("scheme", ["triton", "triton+grpc"])
def test_connections_that_the_server_let_go_meanwhile_are_made_again(
    up: Up, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv(CONCURRENCY, "6")
    kept: list[socket.socket] = []
    passes = relay(up.grpc if "grpc" in scheme else up.http)

    def keep(made: socket.socket) -> None:
        kept.append(made)
        passes(made)

    with listening(keep) as port:
        served = found(SOURCE, f"{scheme}://127.0.0.1:{port}/fixed", tmp_path / "run")
        with asked(BACKEND, served, make_card(), batch=400) as model:
            model.predict(images(96))
            for made in kept:
                made.close() if made.fileno() < 0 else made.shutdown(socket.SHUT_RDWR)
            np.testing.assert_allclose(model.predict(images(96)), expected(images(96)), atol=1e-4)


def test_a_configuration_that_changes_while_answers_come_in_is_told(
    up: Up, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vetgate_triton.model._AGAIN", 0.0)
    new: list[bytes] = []

    def change(path: str, content: bytes) -> bytes:
        return content.replace(b'"max_batch_size":64', b'"max_batch_size":32') if new and "config" in path else content

    passes = over_http(up.http, None, change)
    with listening(passes) as port:
        served = found(SOURCE, f"triton://127.0.0.1:{port}/linear", tmp_path / "run")
        with asked(BACKEND, served, make_card(), batch=9) as model:
            model.predict(images())
            new.append(b"deployed")
            with pytest.raises(Inconclusive, match=r"configuration of linear changed during the run"):
                model.predict(images())


@pytest.mark.parametrize("scheme", ["triton", "triton+grpc"])
def test_a_secret_that_a_server_says_back_is_not_told(
    up: Up, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    (tmp_path / "headers").write_text(f"Authorization: Bearer {SECRET}\n", encoding="utf-8")
    monkeypatch.setenv(HEADERS, str(tmp_path / "headers"))
    told = f"unheard of: {SECRET}"
    between = (
        over_grpc_listening(up.grpc, aborting(grpc.StatusCode.INTERNAL, told))
        if "grpc" in scheme
        else over_http_listening(up.http, sending(said("500 Oops", told.encode())))
    )
    with between as port, pytest.raises(Inconclusive, match=r"unheard of: \.\.\.") as caught:
        ask(f"{scheme}://127.0.0.1:{port}/linear", tmp_path, seconds=SECONDS)
    assert SECRET not in caught.value.message
