"""The source keeps the rules, and the checker of the rules catches what breaks them."""

import pytest

from tests.architecture.rules import PACKAGE, own_content, sources, undocumented, unsafe

NAMES = [str(p.relative_to(PACKAGE)) for p in sources()]

PLANTED = {
    "import pickle": "pickle",
    "from pickle import loads": "pickle",
    "import dill as d": "dill",
    "eval('1')": "eval",
    "exec('x = 1')": "exec",
    "import os\nos.system('ls')": "os.system",
    "from os import system as s\ns('ls')": "os.system",
    "import subprocess\nsubprocess.run('ls', shell=True)": "shell=True",
    "import subprocess\nsubprocess.run('ls', shell=flag)": "shell=",
    "try:\n    f()\nexcept:\n    pass": "bare except",
    "def f():\n    print('x')": "print",
    "import obspy\nobspy.read('a.mseed')": "without format",
    "from obspy import read\nread('a.mseed')": "without format",
    "from obspy import read_events as r\nr('a.xml')": "without format",
    "import obspy as o\no.read_inventory('a.xml')": "without format",
    "import numpy as np\nnp.load('a.npz')": "allow_pickle",
    "import numpy as np\nnp.load('a.npz', allow_pickle=True)": "allow_pickle",
    "assert x": "assert",
    "import yaml\nyaml.load(f)": "yaml.load",
}

HARMLESS = [
    "import obspy\nobspy.read('a.mseed', format='MSEED')",
    "from pathlib import Path\nPath('a').open().read()",
    "import numpy as np\nnp.load('a.npz', allow_pickle=False)",
    "try:\n    f()\nexcept ValueError:\n    pass",
    "import subprocess\nsubprocess.run(['ls'], shell=False)",
    "import re\nre.compile('a')",
    "from diffseis.io import read_events\nread_events('a.xml')",
    "x = 'print(1)'",
]


@pytest.mark.parametrize("text", PLANTED, ids=lambda t: t.splitlines()[-1])
def test_the_checker_catches_it(text):
    found = unsafe(text)
    assert found
    assert PLANTED[text] in found[0]
    assert found[0].startswith("line ")


@pytest.mark.parametrize("text", HARMLESS, ids=lambda t: t.splitlines()[-1])
def test_the_checker_lets_the_harmless_pass(text):
    assert unsafe(text) == []


@pytest.mark.parametrize("name", NAMES)
def test_nothing_unsafe(name):
    assert unsafe((PACKAGE / name).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("name", NAMES)
def test_everything_public_says_what_it_is(name):
    assert undocumented((PACKAGE / name).read_text(encoding="utf-8")) == []


def test_the_docstring_check_catches_silence():
    text = '"""Module."""\ndef f():\n    pass\nclass A:\n    """A."""\ndef _g():\n    pass\n'
    assert undocumented(text) == ["f"]
    assert undocumented("x = 1\n") == ["the module"]


@pytest.mark.parametrize("name", [n for n in NAMES if n.endswith("__init__.py")])
def test_packages_only_re_export(name):
    assert own_content((PACKAGE / name).read_text(encoding="utf-8")) == []


def test_the_re_export_check_catches_content():
    assert own_content("from diffseis.a import b as b\n") == []
    assert own_content("from diffseis.a import b\n") == ["b as None"]
    assert own_content("x = 1\n") == ["x = 1"]
    assert own_content("def f():\n    pass\n") == ["def f():"]
