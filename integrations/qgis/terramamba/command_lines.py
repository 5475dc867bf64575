"""Command lines of an algorithm, from the values of its parameters. Nothing here needs QGIS."""

from .specs import OUTPUTS, YES_NO

OVERWRITING = ("classify map", "change map", "sample", "report")
"""Commands that write files: before it replaces one QGIS asks, as it does not of the folder of a run."""


def command_lines(algorithm, values):
    """Return the words of each command, without the program; ``values`` are texts, numbers, None by name."""
    return [_words(algorithm, index, values) for index in range(len(algorithm.commands))]


def _words(algorithm, index, values):
    command = algorithm.commands[index]
    files, flags = [], []
    for parameter in algorithm.parameters:
        if parameter.of != index:
            continue
        value = values.get(parameter.same_as or parameter.name)
        if value is None or value == "":
            continue
        if not parameter.flag:
            files.append(str(value))
        elif parameter.kind == YES_NO:
            flags += [parameter.flag] if value else []
        else:
            flags += [f"{parameter.flag}={_text(value)}"]
    again = ["--overwrite"] if command in OVERWRITING else []
    return [*command.split(), "--progress=json", *flags, *again, "--", *files]


def written(algorithm, values):
    """Return the new files by the names of their parameters."""
    return {
        parameter.name: values[parameter.name]
        for parameter in algorithm.asked()
        if parameter.kind in OUTPUTS and values.get(parameter.name)
    }


def _text(value):
    return f"{value:g}" if isinstance(value, float) else str(value)
