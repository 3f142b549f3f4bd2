"""The main program of the engine's process: takes jobs from the channel, makes them, answers.

Owns the engine and its order of life. Imports no Qt. Four threads: the main one computes, one
receives, one forecasts, one reports memory. It ends when told to, or when the channel does, even
if the engine hangs: a window that dies leaves nothing behind.
"""

import logging
import os
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable

from app.checkpoint.reader import CheckpointError
from app.diagnostic_log import ENGINE_LOG, keep_log
from app.engine.engine import BackendLost, Cancelled, Engine, EngineError
from app.engine.kept_tuning import open_engine
from app.engine.types import BackendName, Condition
from app.engine.types import Progress as EngineProgress
from app.generation.add_ons import AddOns
from app.generation.channel import Channel, ChannelClosed
from app.generation.memory_fit import Need
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
    SetAddOns,
    Start,
    Timings,
    Unavailable,
)
from app.generation.picture_maker import PictureMaker
from app.generation.process_memory import resident_bytes
from app.generation.request import GenerationRequest, RequestError
from app.generation.step_clock import Pace, StepClock
from app.machine_memory import machine_memory
from app.machine_processors import threads_for
from app.paths import log_folder

MEMORY_SECONDS = 1.0
CANCEL_AGAIN_SECONDS = 0.05
EXIT_LIMIT_SECONDS = 1.5  # less than the window waits before it kills
_log = logging.getLogger("engine")


def main(arguments: list[str]) -> int:
    """Runs the engine on the channel whose descriptor is the one argument; the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keep_log(ENGINE_LOG, log_folder())
    channel = Channel(socket.socket(fileno=int(arguments[0])))
    try:
        EngineProcess(channel).run()
    except ChannelClosed:
        return 1
    return 0


class _Run:
    """One job on its way, which another thread may stop at any moment."""

    def __init__(self, start: Start) -> None:
        self.start = start
        self.stopping = threading.Event()
        self._ended = threading.Event()
        self._lock = threading.Lock()

    def stop(self, engine: Engine | None) -> None:
        """Stops the engine's work, again and again: one word may come before it has begun."""
        if not self.stopping.is_set():
            self.stopping.set()
            if engine:
                _begin(self._stop, engine)

    def end(self) -> None:
        """The engine is not touched on behalf of this job after this."""
        with self._lock:
            self._ended.set()

    def _stop(self, engine: Engine) -> None:
        while True:
            with self._lock:
                if self._ended.is_set():
                    return
                engine.cancel()
            self._ended.wait(CANCEL_AGAIN_SECONDS)


class EngineProcess:
    """The engine, served over a channel."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._runs: queue.SimpleQueue[_Run | None] = queue.SimpleQueue()
        self._plans: queue.SimpleQueue[Plan | None] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._engine: Engine | None = None
        self._closing = threading.Lock()  # held by who looks at the engine from another thread
        self._engine_bytes = 0
        self._paces: dict[object, Pace] = {}
        self._add_ons = AddOns()

    def run(self) -> None:
        """Serves until told to quit. ChannelClosed if the window is gone."""
        _begin(self._report_memory)
        _begin(self._receive)
        try:
            self._run()
        finally:
            self._ended.set()

    # ------------------------------------------------------------ the main thread

    def _run(self) -> None:
        begin = time.monotonic()
        try:
            self._engine = open_engine()
        except EngineError as error:
            self._channel.send(Unavailable(sentence=str(error)))
            return
        with self._engine as engine, PictureMaker(engine) as maker:
            report = engine.report()
            checks = report.checks or tuple(engine.self_test())
            elapsed_ms = (time.monotonic() - begin) * 1000
            device = engine.device()
            failed = [check.op for check in checks if not check.passed]
            _log.info("ready on %s, %s; failed: %s", device.backend, device.device, failed)
            self._engine_bytes = device.allocated_bytes
            self._channel.send(
                Ready(device=device, checks=checks, elapsed_ms=elapsed_ms, report=report)
            )
            planner = _begin(self._plan, BackendName(device.backend))
            try:
                while run := self._runs.get():
                    self._serve(engine, maker, run)
            finally:
                self._plans.put(None)
                planner.join(CANCEL_AGAIN_SECONDS)
                with self._closing:
                    self._engine = None

    def _serve(self, engine: Engine, maker: PictureMaker, run: _Run) -> None:
        job_id = run.start.job_id
        _log.info("begins %s", _facts(run.start.request))
        try:
            answer: Finished | Failed = self._make(engine, maker, run)
        except Cancelled:
            answer = Failed(job_id=job_id, sentence="Cancelled.", cancelled=True)
        except ChannelClosed:
            raise
        except Exception as error:
            answer = Failed(
                job_id=job_id,
                sentence=_sentence(error),
                cancelled=False,
                needs_restart=isinstance(error, BackendLost),
            )
        finally:
            run.end()
            self._engine_bytes = engine.device().allocated_bytes
        _log.info("ends as %s", type(answer).__name__)
        self._channel.send(answer)

    def _make(self, engine: Engine, maker: PictureMaker, run: _Run) -> Finished:
        request, job_id = run.start.request, run.start.job_id
        kind = _kind(request)
        clock = StepClock(self._paces.get(kind))

        def show(progress: EngineProgress) -> bool:
            clock.tick(progress.phase, time.monotonic())
            self._engine_bytes = engine.device().allocated_bytes
            self._channel.send(_progress(job_id, progress, clock))
            return run.stopping.is_set()

        if run.stopping.is_set():
            raise Cancelled
        maker.add_ons = self._add_ons
        made = maker.generate(request, show)
        output, (width, height) = made.output, made.size
        step_seconds = clock.step_seconds()
        if step_seconds is not None:
            decode_seconds = output.decode_ms / 1000
            self._paces[kind] = Pace(step_seconds=step_seconds, decode_seconds=decode_seconds)
        return Finished(
            job_id=job_id,
            pictures=Pixels(width=width, height=height, pictures=output.pictures),
            request=made.request,
            model=made.model,
            model_sha256=made.model_sha256,
            vae_sha256=made.vae_sha256,
            timings=Timings(
                load_ms=output.load_ms,
                text_ms=output.text_ms,
                denoise_ms=output.denoise_ms,
                decode_ms=output.decode_ms,
            ),
            note=output.note,
            loras=made.loras,
            embeddings=made.embeddings,
        )

    # ------------------------------------------------------------ the other threads

    def _receive(self) -> None:
        run: _Run | None = None
        message: object = None
        try:
            while not isinstance(message, Quit):
                message = self._channel.receive()
                if isinstance(message, Start):
                    run = _Run(message)
                    self._runs.put(run)
                elif isinstance(message, Cancel) and run and run.start.job_id == message.job_id:
                    run.stop(self._engine)
                elif isinstance(message, Plan):
                    self._plans.put(message)
                elif isinstance(message, SetAddOns):
                    self._add_ons = message.add_ons
        except ChannelClosed:
            pass  # the window is gone, which means the same as Quit
        finally:
            if run:
                run.stop(self._engine)
            self._runs.put(None)
            if not self._ended.wait(EXIT_LIMIT_SECONDS):
                os._exit(1)

    def _plan(self, backend: BackendName) -> None:
        """Forecasts with an engine of its own, with as many threads, for they count in the plan."""
        threads = threads_for(0)
        with (
            Engine(backend=backend, threads=threads, plans_only=True) as engine,
            PictureMaker(engine) as maker,
        ):
            while plan := _newest(self._plans):
                maker.add_ons = self._add_ons
                answer = _planned(maker, plan)
                try:
                    self._channel.send(answer)
                except ChannelClosed:
                    return

    def _condition(self) -> Condition | None:
        with self._closing:
            return self._engine.condition() if self._engine else None

    def _report_memory(self) -> None:
        while not self._ended.wait(MEMORY_SECONDS):
            machine = machine_memory()
            memory = Memory(
                engine_bytes=self._engine_bytes,
                resident_bytes=resident_bytes(),
                machine_total_bytes=machine.total_bytes,
                machine_available_bytes=machine.available_bytes,
                condition=self._condition(),
            )
            try:
                self._channel.send(memory)
            except ChannelClosed:
                return


def _begin(target: Callable[..., None], *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=target, args=arguments, daemon=True)
    thread.start()
    return thread


def _newest(plans: "queue.SimpleQueue[Plan | None]") -> Plan | None:
    """Waits for a plan; the last one if several wait. None: it is time to end."""
    plan = plans.get()
    while plan and not plans.empty():
        plan = plans.get()
    return plan


def _planned(maker: PictureMaker, plan: Plan) -> Planned:
    """The answer; of a request that cannot be done it still says what the model is."""
    needs: tuple[Need, ...] = ()
    request = description = model = None
    sentence = ""
    try:
        description, model = maker.describe(plan.request)
        request, needs = maker.needs(plan.request)
    except Exception as error:
        sentence = _sentence(error)
    return Planned(
        plan_id=plan.plan_id,
        needs=needs,
        request=request,
        description=description,
        model=model,
        sentence=sentence,
    )


def _progress(job_id: str, progress: EngineProgress, clock: StepClock) -> Progress:
    preview = None
    if progress.preview is not None:
        width, height = progress.preview_width, progress.preview_height
        size, rgb = width * height * 3, progress.preview
        cuts = range(0, len(rgb), size)
        pictures = tuple(rgb[cut : cut + size] for cut in cuts)
        preview = Pixels(width=width, height=height, pictures=pictures)
    step_seconds = clock.step_seconds()
    return Progress(
        job_id=job_id,
        phase=progress.phase,
        step=progress.step,
        steps=progress.steps,
        preview=preview,
        it_per_second=1 / step_seconds if step_seconds else None,
        seconds_left=clock.seconds_left(progress.phase, progress.steps - progress.step),
    )


def _kind(request: GenerationRequest) -> object:
    """Jobs of one kind take about the same time for a step."""
    size = (request.width, request.height, request.batch_count)
    return (request.model, *size, request.sampler, request.cfg_scale == 1)


def _facts(request: GenerationRequest) -> str:
    """A job in the log: nothing of what its user wrote, nor the names of files."""
    names = ("width", "height", "steps", "sampler", "schedule", "batch_count")
    facts = {name: getattr(request, name) for name in names}
    return ", ".join(f"{name} {value}" for name, value in facts.items() if value is not None)


def _sentence(error: Exception) -> str:
    if isinstance(error, RequestError | CheckpointError | EngineError):
        return str(error)
    if isinstance(error, MemoryError):
        return "There is not enough memory for this; choose a smaller size or batch."
    if isinstance(error, OSError):
        return f"{error.filename or 'A file'}: {error.strerror or error}."
    _log.error("An error of our own", exc_info=error)
    return f"The engine met an error of its own ({type(error).__name__}: {error})."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
