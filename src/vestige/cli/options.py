"""What every command takes: `--json`, `--config`, `--set`, and the kinds of their values."""

import argparse
import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Commands = Any  # what argparse calls _SubParsersAction
GENERAL = ("help", "config", "set", "json", "resume")


def command(commands: Commands, name: str, about: str, examples: str, more: str = "") -> argparse.ArgumentParser:
    """A parser for one command, with the options that all have; `about` is its line in the list, `more` goes on from there."""
    made = commands.add_parser(
        name, help=about, description=f"{about[0].upper()}{about[1:]}. {more}".strip(),
        epilog="examples:\n" + examples.strip("\n"), formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    made.add_argument("--config", type=Path, metavar="FILE", help="a .toml file of options: `epochs = 5`")
    made.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="one option, as in the file, which it overrules"
    )
    made.add_argument("--json", action="store_true", help="print the results as JSON, and all else to standard error")
    return made


def positive(text: str) -> int:
    """A whole number of at least 1."""
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def fraction(text: str) -> float:
    """A finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def preset(made: argparse.ArgumentParser, config: Path | None, pairs: list[str]) -> None:
    """Make the values of a file and of `--set` the parser's defaults; what is on the command line itself goes before both.

    Raises:
        SystemExit: with status 2, for a file that cannot be read, an unknown key, or a value of the wrong type.
    """
    given = {} if config is None else _read(made, config)
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals:
            made.error(f"--set {pair}: write key=value")
        given[key.strip()] = _value(text.strip())
    keys = {a.dest: a for a in made._actions if a.dest not in GENERAL and not (a.required and not a.option_strings)}
    for key, value in given.items():
        name = key.replace("-", "_")
        if name not in keys:
            near = difflib.get_close_matches(name, keys, 1, 0.5)
            hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(sorted(keys))}"
            made.error(f"no option named `{key}`; {hint}")
        made.set_defaults(**{name: _typed(made, keys[name], key, value)})


def _read(made: argparse.ArgumentParser, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        made.error(f"--config {path}: {error}")


def _value(text: str) -> Any:
    """A value as toml writes it; any other text is itself."""
    try:
        found = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return found["value"] if set(found) == {"value"} else text


def _typed(made: argparse.ArgumentParser, action: argparse.Action, key: str, value: Any) -> Any:
    """The value, as the same option on the command line would give it."""
    if action.nargs == 0:
        if not isinstance(value, bool):
            made.error(f"`{key}` is {value!r}; it is true or false")
        return value
    many = action.nargs in ("+", "*")
    if isinstance(value, (Mapping, bool)) or many != isinstance(value, list):
        made.error(f"`{key}` is {value!r}; it is {'a list' if many else 'one value'}")
    found = [_one(made, action, key, v) for v in (value if many else [value])]
    return found if many else found[0]


def _one(made: argparse.ArgumentParser, action: argparse.Action, key: str, value: Any) -> Any:
    if isinstance(value, (Mapping, list, bool)):
        made.error(f"`{key}` holds {value!r}; it takes numbers or words")
    try:
        found = str(value) if action.type is None else action.type(str(value))
    except (argparse.ArgumentTypeError, ValueError) as error:
        made.error(f"`{key}` is {value!r}: {error}")
    if action.choices is not None and found not in action.choices:
        made.error(f"`{key}` is {value!r}; choose from {', '.join(map(str, action.choices))}")
    return found
