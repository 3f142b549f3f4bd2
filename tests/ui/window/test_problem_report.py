from pathlib import Path

from app.generation.request import GenerationRequest
from app.ui.window.problem_report import problem_report
from app.version import VERSION

REQUEST = GenerationRequest(
    prompt="a secret garden", negative_prompt="weeds", model=Path("/models/mine.safetensors")
)
OLDER = GenerationRequest(prompt="an older wish", negative_prompt="x")


def report(logs: Path, *, with_words: bool) -> str:
    requests = (REQUEST, OLDER)
    return problem_report("cpu: a fake", requests, logs, with_words=with_words)


def test_it_tells_of_the_system_the_engine_and_the_log(tmp_path: Path) -> None:
    (tmp_path / "aquatint.log").write_text("INFO engine: ready\n")
    (tmp_path / "engine-crash.log.1").write_text("Fatal Python error: Segmentation fault\n")
    text = report(tmp_path, with_words=False)
    assert text.startswith(f"Aquatint {VERSION}, ")
    for words in ("cpu: a fake", "INFO engine: ready", "Segmentation fault"):
        assert words in text


def test_no_word_of_the_user_s_is_in_it_unless_that_is_wished(tmp_path: Path) -> None:
    lines = "ERROR a secret garden: no\nan older wish failed\nno weeds, x\n"
    (tmp_path / "aquatint.log").write_text(lines)
    text = report(tmp_path, with_words=False)
    for words in ("secret", "weeds", "older wish", "mine.safetensors"):
        assert words not in text
    assert "ERROR [words]: no\n[words] failed\nno [words], x\n" in text
    text = report(tmp_path, with_words=True)
    assert lines in text
    assert "prompt: a secret garden" in text
    assert "negative_prompt: weeds" in text
    assert "mine.safetensors" in text


def test_the_home_folder_is_not_named(tmp_path: Path) -> None:
    (tmp_path / "aquatint.log").write_text(f"no {Path.home()}/Pictures/a.png\n")
    text = report(tmp_path, with_words=False)
    assert "no ~/Pictures/a.png" in text
    assert f"{Path.home()}/Pictures" not in text


def test_it_can_be_made_when_nothing_is_known(tmp_path: Path) -> None:
    text = problem_report("", [REQUEST], tmp_path / "none", with_words=False)
    assert "The engine has not said what it runs on." in text
