"""What opening the engine found, as plain lines: for the command line and for a report to copy.

English, whatever the window speaks, since whoever helps must read it. Knows no engine.
"""

from app.engine.types import Condition, EngineReport, LibraryReport, PipelineReport, Thermal

_MIB = 1 << 20


def report_lines(report: EngineReport, condition: Condition | None) -> list[str]:
    """Family, memory and heat, libraries with all that the compiler said, pipelines, fallbacks.

    Empty where there is nothing to tell, as on the CPU.
    """
    lines = [f"Metal was not taken: {report.refusal}"] if report.refusal else []
    if report.family:
        lines.append(f"GPU family {report.family}")
    if condition and condition.working_set_bytes:
        lines += _condition_lines(condition)
    for library in report.libraries:
        lines += _library_lines(library)
    lines += [_pipeline_line(pipeline) for pipeline in wanted_pipelines(report)]
    lines += [f"{row.op} runs on the CPU: {row.reason}" for row in report.fallbacks]
    return lines


def wanted_pipelines(report: EngineReport) -> list[PipelineReport]:
    """Those of the libraries that are for this GPU."""
    used = {library.name for library in report.libraries if library.language}
    return [pipeline for pipeline in report.pipelines if pipeline.library in used]


def _condition_lines(condition: Condition) -> list[str]:
    allocated, most = condition.allocated_bytes // _MIB, condition.working_set_bytes // _MIB
    lines = [f"GPU memory {allocated} of {most} MiB, pressure {condition.pressure}"]
    if condition.thermal is not Thermal.NOMINAL:
        lines.append(f"heat {condition.thermal}")
    if condition.is_low_power:
        lines.append("low-power mode")
    return lines


def _library_lines(library: LibraryReport) -> list[str]:
    if not library.language:
        return [f"library {library.name} not used: {library.log}"]
    state = "ready" if library.is_ready else "FAILED"
    version = f"{library.language // 10}.{library.language % 10}"
    head = f"library {library.name} (MSL {version}) {state} in {library.elapsed_ms:.0f} ms"
    return [head, *(f"    {line}" for line in library.log.splitlines())]


def _pipeline_line(pipeline: PipelineReport) -> str:
    name = f"{pipeline.name} of {pipeline.library}"
    if not pipeline.max_threads:
        return f"pipeline {name} FAILED: {pipeline.log}"
    memory = f", {pipeline.threadgroup_bytes} bytes" if pipeline.threadgroup_bytes else ""
    log = f": {pipeline.log}" if pipeline.log else ""
    return f"pipeline {name}: {pipeline.max_threads} threads{memory}{log}"
