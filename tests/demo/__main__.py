"""Play the story: real processes, real TLS, real registries, nothing but this machine. `make demo` runs it."""

import signal
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import NoReturn

from tests.demo.player import Player
from tests.demo.stage import StageError, check, servers, serving
from tests.demo.story import STORY, Scene
from tests.demo.terminal import Terminal
from tests.fakes.apiserver import ApiServer
from tests.servers.process import ServerFailedError

NEXT = "Next: .venv/bin/python -m webhook check nginx:1.27 (any image of yours), or manifests/README.md to install it."
_UP, _DOWN = (tuple(scene for scene in STORY if scene.is_registry_up is is_up) for is_up in (True, False))


def main() -> int:
    """Play every scene; 0 only if each ended as scripted."""
    signal.signal(signal.SIGTERM, _leave)
    # A title may hold what the terminal's encoding lacks; a demo does not fail for it.
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    terminal = Terminal.on(sys.stdout)
    terminal.note(
        "Starting a private registry, a stand-in for Docker Hub, and the webhook (files: tests/demo/scenes) …"
    )
    try:
        with tempfile.TemporaryDirectory(prefix="pullcheck-demo-") as folder:
            failures = _play(terminal, Path(folder))
    except (StageError, ServerFailedError, OSError) as fault:
        terminal.bad(f"The demo could not be played: {fault}")
        return 3
    except KeyboardInterrupt:
        return 130
    terminal.plain()
    if failures:
        terminal.bad(f"{failures} of {sum(len(scene.acts) for scene in STORY)} applies did not end as scripted.")
        return 1
    terminal.good("Every scene ended as scripted, over the wire and by `pullcheck check -f`.")
    terminal.plain(NEXT)
    return 0


def _play(terminal: Terminal, folder: Path) -> int:
    """Play all scenes; returns how many applies did not end as scripted.

    `pullcheck check` judges the files while the webhook starts, once with the registry up and once with it down.
    """
    with servers(folder) as behind, ThreadPoolExecutor(1) as background:
        checked = background.submit(check, folder / "check", behind, _files(_UP))
        with serving(folder, behind) as api_server:
            failures = _play_scenes(terminal, api_server, _UP, checked, first=1)
            behind.registry.stop()
            checked = background.submit(check, folder / "check", behind, _files(_DOWN))
            return failures + _play_scenes(terminal, api_server, _DOWN, checked, first=1 + len(_UP))


def _play_scenes(
    terminal: Terminal,
    api_server: ApiServer,
    scenes: Sequence[Scene],
    checked: Future[dict[str, str]],
    *,
    first: int,
) -> int:
    player = Player(terminal, api_server, checked)
    return sum(player.play(number, scene) for number, scene in enumerate(scenes, first))


def _files(scenes: Sequence[Scene]) -> list[str]:
    """The folders of scenes: manifests and secrets alike."""
    return sorted({act.file.partition("/")[0] for scene in scenes for act in scene.acts})


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    """End by an exception, so that what was started is stopped."""
    del frame
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
