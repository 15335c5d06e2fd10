"""What a process has in memory, as the kernel counts it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Memory:
    """Of a process, by its number."""

    process: int

    def resident_mib(self) -> float:
        """Now."""
        return self._read("VmRSS")

    def peak_mib(self) -> float:
        """The most since the start or `forget_peak`."""
        return self._read("VmHWM")

    def forget_peak(self) -> None:
        """Measure the peak from here on."""
        self._file("clear_refs").write_text("5")

    def _read(self, name: str) -> float:
        lines = self._file("status").read_text().splitlines()
        (line,) = (line for line in lines if line.startswith(f"{name}:"))
        return int(line.split()[1]) / 1024

    def _file(self, name: str) -> Path:
        return Path("/proc", str(self.process), name)
