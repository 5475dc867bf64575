"""``terramamba push``."""

from collections.abc import Sequence
from dataclasses import dataclass

from terramamba.cli.shared.parse import Usage, parse

USAGE = Usage(
    "push",
    "Put a trained run on the Hugging Face hub, with a page that says what it takes, what it is worth and on "
    "what terms; others then map with --weights hf:ORG/NAME. Log in before with `hf auth login`.",
    ("RUN",),
    example="runs/cover --to my-name/cover",
)


@dataclass(frozen=True, kw_only=True)
class PushOptions:
    """Flags of the command."""

    to: str
    """Name of the repository, ORG/NAME; without ORG among your own."""
    licence: str | None = None
    """Licence of the weights as the hub names it, such as apache-2.0 or cc-by-nc-4.0; None: the page says
    that it is open."""
    public: bool = False
    """Let everybody see it; else it is private."""
    overwrite: bool = False
    """Put a new version into a repository that is there already."""


def run(argv: Sequence[str]) -> int:
    """Put the run on the hub, and print how it is used."""
    options, (folder,) = parse(USAGE, PushOptions, argv)
    from terramamba.api.publishing import push_run
    from terramamba.cli.shared.show import show_facts

    pushed = push_run(
        folder, options.to, licence=options.licence, public=options.public, overwrite=options.overwrite
    )
    show_facts(
        {"pushed": pushed.address, "files": ", ".join(pushed.files), "use": f"--weights {pushed.weights}"}
    )
    return 0
