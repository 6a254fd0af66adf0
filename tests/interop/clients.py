"""Where the clients are that no Debian package has: a folder that a variable of the environment names, or the one in
which `fetch` left them."""
import os
import pathlib
import shutil

import suite

FETCHED = suite.ROOT / 'build' / 'clients'


def find(what, variable, name, *programs):
    """The path of a fetched file or folder. Raises Missing with the reason."""
    for program in programs:
        if shutil.which(program) is None:
            raise suite.Missing(f'{program} is not installed')
    named = os.environ.get(variable, '')
    path = pathlib.Path(named) if named else FETCHED / name
    if path.exists():
        return path
    if named:
        raise suite.Missing(f'{variable} is {named}, and that is not there')
    raise suite.Missing(f'{what}: run tests/interop/fetch {name}, or set {variable}')
