"""An engine process that only pretends: the prompt is its script. For tests of all that is above.

Owns a child that speaks messages.py without engine, model or Qt. Each word of the prompt is done in
turn, then the job finishes; a word that is not listed is one step with a preview.

    crash   dies in C                kill    is killed by the system
    exit    ends by itself           hang    stands still
    refuse  reports that it failed   wait    until it is cancelled
    deaf    waits and does not hear a cancel
    lost    reports that its GPU takes no more from this process
"""

import ctypes
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import NoReturn

from app.checkpoint.description import GenerationDefaults
from app.engine.types import DeviceInfo, Phase, PlanFigures, Sampler, Schedule
from app.generation.channel import Channel, ChannelClosed
from app.generation.memory_fit import Need, Saving
from app.generation.messages import (
    Cancel,
    Failed,
    Finished,
    Memory,
    Pixels,
    Plan,
    Planned,
    Progress,
    Quit,
    Ready,
    Start,
    Timings,
)

DEFAULTS = GenerationDefaults(
    width=64,
    height=64,
    steps=4,
    sampler=Sampler.EULER,
    schedule=Schedule.NORMAL,
    cfg_scale=1.0,
)
DEVICE = DeviceInfo(
    backend="cpu", device="a fake", instructions="none", threads=1, allocated_bytes=0
)
REFUSAL = "There is not enough memory for this."
LOSS = "The GPU takes no more: the engine must be restarted."
MEMORY_SECONDS = 0.1


def command(descriptor: int) -> list[str]:
    """For `EngineClient(command=...)`."""
    return [sys.executable, "-P", str(Path(__file__).resolve()), str(descriptor)]


class FakeEngine:
    """Takes jobs one after another; a thread receives, another shows that it lives."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._jobs: list[Start] = []
        self._changed = threading.Condition()
        self._cancelled: set[str] = set()
        self._is_ending = False

    def run(self) -> None:
        self._channel.send(Ready(device=DEVICE, checks=(), elapsed_ms=0.0))
        for thread in (self._receive, self._live):
            threading.Thread(target=thread, daemon=True).start()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._jobs or self._is_ending)
                if self._is_ending:
                    return
                start = self._jobs.pop()
            self._channel.send(self._answer(start))

    def _answer(self, start: Start) -> Finished | Failed:
        words = start.request.prompt.split()
        for step, word in enumerate(words, 1):
            if word == "refuse":
                return Failed(job_id=start.job_id, sentence=REFUSAL, cancelled=False)
            if word == "lost":
                return Failed(
                    job_id=start.job_id, sentence=LOSS, cancelled=False, needs_restart=True
                )
            self._do(word, start.job_id)
            if start.job_id in self._cancelled:
                return Failed(job_id=start.job_id, sentence="Cancelled.", cancelled=True)
            self._channel.send(progress(start.job_id, step, len(words)))
        return finished(start)

    def _do(self, word: str, job_id: str) -> None:
        match word:
            case "crash":
                ctypes.string_at(0)
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "exit":
                os._exit(3)
            case "hang":
                os.kill(os.getpid(), signal.SIGSTOP)
            case "deaf":
                threading.Event().wait()
            case "wait":
                with self._changed:
                    self._changed.wait_for(lambda: job_id in self._cancelled or self._is_ending)

    def _receive(self) -> None:
        message: object = None
        while not isinstance(message, Quit):
            try:
                message = self._channel.receive()
            except ChannelClosed:
                break
            with self._changed:
                if isinstance(message, Start):
                    self._jobs.append(message)
                elif isinstance(message, Cancel):
                    self._cancelled.add(message.job_id)
                self._changed.notify_all()
            if isinstance(message, Plan):
                self._channel.send(planned(message))
        with self._changed:
            self._is_ending = True
            self._changed.notify_all()
        threading.Event().wait(1.0)
        os._exit(1)

    def _live(self) -> None:
        while not threading.Event().wait(MEMORY_SECONDS):
            try:
                self._channel.send(memory())
            except ChannelClosed:
                return


def progress(job_id: str, step: int, steps: int) -> Progress:
    """Step `step` of `steps`, with a preview of one colour that follows the step."""
    preview = Pixels(width=8, height=8, pictures=(bytes([step % 256, 0, 0]) * 64,))
    return Progress(
        job_id=job_id,
        phase=Phase.DENOISE,
        step=step,
        steps=steps,
        preview=preview,
        it_per_second=2.0,
        seconds_left=(steps - step) / 2,
    )


def finished(start: Start) -> Finished:
    """Pictures of one colour, which is the seed's."""
    request = start.request.resolve(DEFAULTS)
    size = request.width * request.height
    seeds = range(request.seed, request.seed + request.batch_count)
    pictures = tuple(bytes([seed % 256, 128, 64]) * size for seed in seeds)
    return Finished(
        job_id=start.job_id,
        pictures=Pixels(width=request.width, height=request.height, pictures=pictures),
        request=request,
        model=request.model or Path("fake.safetensors"),
        model_sha256="0" * 64,
        vae_sha256="",
        timings=Timings(load_ms=0.0, text_ms=1.0, denoise_ms=2.0, decode_ms=3.0),
        note="",
    )


def planned(plan: Plan) -> Planned:
    """Ten thousand bytes a pixel; a prompt with the word `refuse` cannot be planned."""
    if "refuse" in plan.request.prompt.split():
        return Planned(
            plan_id=plan.plan_id, needs=(), request=None, description=None, sentence=REFUSAL
        )
    request = plan.request.resolve(DEFAULTS)
    peak = request.width * request.height * request.batch_count * 10_000
    return Planned(
        plan_id=plan.plan_id, needs=needs(peak), request=request, description=None, sentence=""
    )


def needs(*peaks: int) -> tuple[Need, ...]:
    """Needs with these peaks, each with one more saving than the one before."""
    return tuple(
        Need(savings=tuple(Saving)[:place], figures=figures(peak))
        for place, peak in enumerate(peaks)
    )


def figures(peak: int) -> PlanFigures:
    """A forecast whose peak is while denoising."""
    return PlanFigures(
        text_weights=peak // 8,
        unet_weights=peak // 4,
        vae_weights=peak // 8,
        taesd_weights=0,
        text_activations=0,
        denoise_activations=peak // 2,
        decode_activations=peak // 4,
        workspace=0,
        merging=0,
        text_peak=peak // 2,
        denoise_peak=peak,
        decode_peak=peak * 3 // 4,
        peak=peak,
    )


def memory() -> Memory:
    """A machine of 16 GB with 8 to spare."""
    return Memory(
        engine_bytes=1 << 20,
        resident_bytes=1 << 24,
        machine_total_bytes=1 << 34,
        machine_available_bytes=1 << 33,
    )


def main() -> NoReturn:
    """Serves the channel whose descriptor is the argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        FakeEngine(Channel(socket.socket(fileno=int(sys.argv[1])))).run()
    except ChannelClosed:
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main()
