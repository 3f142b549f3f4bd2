"""What the simulator's compiler takes and refuses, beside what Apple's does."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.metal_sim.kernel_host import KernelHost, MetalError
from tests.metal_sim.selftest.snippets import ACCEPTED, REFUSED, program


@pytest.fixture(scope="module")
def compiled(host: KernelHost) -> Callable[[str], str]:
    """The compiler's words about a source, empty if it takes it; all are compiled at once."""

    def words(source: str) -> str:
        try:
            host.compile(source)
        except MetalError as refused:
            return str(refused)
        return ""

    host.set_mode(check=False)
    sources = [row[1] for row in REFUSED + ACCEPTED]
    with ThreadPoolExecutor(2) as pool:
        found = dict(zip(sources, pool.map(words, sources), strict=True))
    return found.__getitem__


@pytest.mark.parametrize(
    ("source", "words"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_refuses(compiled: Callable[[str], str], source: str, words: str) -> None:
    assert "error" in compiled(source)
    assert words in compiled(source)


@pytest.mark.parametrize("source", [row[1] for row in ACCEPTED], ids=[row[0] for row in ACCEPTED])
def test_takes(compiled: Callable[[str], str], source: str) -> None:
    assert compiled(source) == ""


def test_messages_name_the_line_that_was_marked(host: KernelHost) -> None:
    with pytest.raises(MetalError, match=r"^norm\.metal:8:\d+: error: use of undeclared"):
        host.compile(program('\n#line 7 "norm.metal"\n\nx[i] = missing;'))


def test_warnings_come_with_the_library(host: KernelHost) -> None:
    library = host.compile(program("int a = x[i] > 1 ? 1 : 2; if (a = 2) x[i] = a;"))
    assert "program_source" in library.warnings
    assert "warning" in library.warnings


def test_version_is_a_macro(host: KernelHost) -> None:
    source = program("#if __METAL_VERSION__ < 400\n#error old\n#endif")
    with pytest.raises(MetalError, match="old"):
        host.compile(source, version=310)
    host.compile(source, version=400)
