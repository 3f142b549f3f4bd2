"""Memory figures are sane here, and a Mac's are read from what its tool prints."""

from app.machine_memory import machine_memory, parse_vm_stat

VM_STAT = """Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                               12345.
Pages active:                            400000.
Pages inactive:                          300000.
Pages speculative:                         2000.
Pages throttled:                              0.
Pages wired down:                        150000.
Pages purgeable:                           1000.
"Translation faults":                 123456789.
"""


def test_available_is_part_of_total() -> None:
    memory = machine_memory()
    assert memory.total_bytes > 2**28
    assert memory.available_bytes is None or 0 < memory.available_bytes <= memory.total_bytes


def test_vm_stat_is_understood() -> None:
    assert parse_vm_stat(VM_STAT) == 16384 * (12345 + 300000 + 2000 + 1000)


def test_unknown_text_gives_no_figure() -> None:
    assert parse_vm_stat("") is None
    assert parse_vm_stat("page size of 4096 bytes") is None
