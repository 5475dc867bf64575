"""Running a command: its progress, what it says, and its end on request. Nothing here needs QGIS."""

import json
import os
import queue
import signal
import subprocess
import threading

POLL = 0.2
"""Seconds between two looks at whether somebody wants it to end."""
WINDOWS = os.name == "nt"


class CommandError(Exception):
    """A command that could not do it; the text is what it said."""


def run(program, words, progress, say, cancelled):
    """Run a command and return what it printed.

    Args:
        program: path of terramamba.
        words: of the command.
        progress: is told the fraction that is done.
        say: is told what else the command says of its work, line by line.
        cancelled: asked again and again whether the command is to end.

    Raises:
        CommandError: it ended with another status than 0; with what it said last. Ended on request, it raises
            nothing.
    """
    # The other environment's own libraries, and not those of QGIS.
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONHOME", "PYTHONPATH")}
    try:
        process = subprocess.Popen(
            [program, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            env={**clean, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"},
            creationflags=subprocess.CREATE_NEW_PROCESS_GROUP if WINDOWS else 0,
        )
    except OSError as error:
        reason = f"{program}: {error.strerror}; give the path of terramamba in the settings"
        raise CommandError(reason) from error
    lines, printed = queue.Queue(), []
    readers = [
        threading.Thread(target=_put_lines, args=(process.stderr, lines), daemon=True),
        threading.Thread(target=lambda: printed.append(process.stdout.read()), daemon=True),
    ]
    for reader in readers:
        reader.start()
    last, asked = "", False
    while True:
        if cancelled() and not asked:
            asked = True
            process.send_signal(signal.CTRL_BREAK_EVENT if WINDOWS else signal.SIGINT)
        try:
            line = lines.get(timeout=POLL)
        except queue.Empty:
            continue
        if line is None:
            break
        done = _fraction(line)
        if done is not None:
            progress(done)
        elif line:
            say(line)
            last = line
    status = process.wait()
    for reader in readers:
        reader.join()
    process.stdout.close()
    process.stderr.close()
    if status and not asked:
        raise CommandError(last or f"terramamba ended with status {status}")
    return "".join(printed)


def _put_lines(stream, lines):
    for line in stream:
        lines.put(line.rstrip())
    lines.put(None)


def _fraction(line):
    """The fraction that a line of progress says is done; None: it is another line."""
    if not line.startswith('{"progress"'):
        return None
    said = json.loads(line)["progress"]
    return said["done"] / said["total"] if said["total"] else 1.0
