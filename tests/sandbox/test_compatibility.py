"""Libraries and parts of the standard library that programs use, in the sandbox. One that is missing is skipped."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from langchain_codeexec import ExecutionRequest
from langchain_codeexec.executions import Outcome
from langchain_codeexec.sandbox.local import LocalSandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

PNG = b"\x89PNG\r\n\x1a\n"

LIBRARIES = {
    "numpy": ("import numpy as np\nprint(np.linalg.inv(np.eye(3) * 2).sum())", "1.5\n"),
    "pandas": ("import pandas as pd\nprint(pd.DataFrame({'a': [1, 2]}).a.sum())", "3\n"),
    "scipy": ("from scipy import integrate\nprint(round(integrate.quad(lambda x: x, 0, 2)[0], 6))", "2.0\n"),
    "sympy": ("import sympy\nx = sympy.Symbol('x')\nprint(sympy.integrate(2 * x, x))", "x**2\n"),
    "sklearn": (
        (
            "from sklearn.linear_model import LinearRegression\n"
            "print(round(LinearRegression().fit([[0], [1]], [0, 2]).coef_[0], 6))"
        ),
        "2.0\n",
    ),
    "joblib": (
        "from joblib import Parallel, delayed\nprint(Parallel(n_jobs=2)(delayed(abs)(n) for n in (-1, -2)))",
        "[1, 2]\n",
    ),
    "statsmodels": (
        "import statsmodels.api as sm\nprint(round(sm.OLS([1, 2, 3], [1, 2, 3]).fit().params[0], 6))",
        "1.0\n",
    ),
    "openpyxl": (
        (
            "import openpyxl\nbook = openpyxl.Workbook()\nbook.active['A1'] = 7\nbook.save('book.xlsx')\n"
            "print(openpyxl.load_workbook('book.xlsx').active['A1'].value)"
        ),
        "7\n",
    ),
}

STANDARD = {
    "threads": (
        ("from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(8) as pool: print(sum(pool.map(abs, range(-9, 0))))"),
        "45\n",
    ),
    "multiprocessing's thread pool": (
        "from multiprocessing.pool import ThreadPool\nwith ThreadPool(4) as pool: print(pool.map(abs, [-1, -2]))",
        "[1, 2]\n",
    ),
    "tempfile": ("import tempfile\nwith tempfile.NamedTemporaryFile() as f: print(f.write(b'abc'))", "3\n"),
    "sqlite3": (
        ("import sqlite3\nwith sqlite3.connect('x.db') as db:\n  db.execute('create table t (a)')\n"
        "  db.execute('insert into t values (7)')\nprint(db.execute('select a from t').fetchall())"),
        "[(7,)]\n",
    ),
    "zoneinfo": (
        ("import datetime, zoneinfo\n"
        "print(datetime.datetime(2026, 7, 1, tzinfo=zoneinfo.ZoneInfo('Europe/Berlin')).utcoffset())"),
        "2:00:00\n",
    ),
    "locale": ("import locale\nlocale.setlocale(locale.LC_ALL, '')\nprint(locale.getpreferredencoding())", "UTF-8\n"),
    "Unicode": ("open('ü.txt', 'w').write('∑')\nprint(open('ü.txt').read(), __import__('os').listdir())", "∑ ['ü.txt']\n"),
    "asyncio": ("import asyncio\nprint(asyncio.run(asyncio.sleep(0.01, 7)))", "7\n"),
    "asyncio.to_thread": ("import asyncio\nprint(asyncio.run(asyncio.to_thread(abs, -7)))", "7\n"),
    "shutil": ("import shutil\nopen('a', 'w').write('x')\nshutil.copy2('a', 'b')\nprint(open('b').read())", "x\n"),
    "zipfile": (
        "import zipfile\nwith zipfile.ZipFile('a.zip', 'w') as z: z.writestr('x', 'y')\nprint(zipfile.ZipFile('a.zip').read('x'))",
        "b'y'\n",
    ),
    "mmap": ("import mmap\nopen('a', 'wb').write(b'abc')\nwith open('a', 'r+b') as f: print(mmap.mmap(f.fileno(), 0)[:])", "b'abc'\n"),
    "ctypes": ("import ctypes\nprint(ctypes.CDLL(None).abs(-7))", "7\n"),
    "signal": ("import signal, time\nrang = []\nsignal.signal(signal.SIGALRM, lambda *a: rang.append(print('rang')))\nsignal.setitimer(signal.ITIMER_REAL, 0.01)\nwhile not rang: time.sleep(0.01)", "rang\n"),
    "hash": ("import hashlib, secrets, uuid\nprint(len(secrets.token_bytes(8)), hashlib.sha256().name)", "8 sha256\n"),
    "dataclasses": ("import dataclasses\n@dataclasses.dataclass\nclass A: x: int\nprint(A(1))", "A(x=1)\n"),
    "pickle": ("import pickle\nclass A: pass\nprint(type(pickle.loads(pickle.dumps(A()))) is A)", "True\n"),
    "logging": ("import logging, sys\nlogging.basicConfig(stream=sys.stdout, format='%(message)s')\nlogging.warning('w')", "w\n"),
    "ssl": ("import ssl\nprint(ssl.create_default_context().check_hostname)", "True\n"),
    "mimetypes": ("import mimetypes\nprint(mimetypes.guess_type('a.csv')[0])", "text/csv\n"),
    "getpass": ("import getpass, os.path\nprint(getpass.getuser())", "sandbox\n"),
    "time": ("import time\nprint(time.tzname[0])", "UTC\n"),
}  # fmt: skip


@pytest.fixture(scope="module")
def warm() -> Iterator[LocalSandbox]:
    """With the libraries loaded in advance."""
    with LocalSandbox(timeout=60.0) as sandbox:
        yield sandbox


@pytest.mark.parametrize("name", LIBRARIES)
def test_library(warm: LocalSandbox, name: str):
    if find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    code, printed = LIBRARIES[name]

    result = warm.run(ExecutionRequest(code))

    assert (result.stdout, result.stderr) == (printed, "")


@pytest.mark.parametrize("name", STANDARD)
def test_standard_library(confined: LocalSandbox, name: str):
    code, printed = STANDARD[name]

    result = confined.run(ExecutionRequest(code))

    assert (result.stdout, result.stderr) == (printed, "")


@pytest.mark.parametrize(
    ("library", "code", "count"),
    [
        *(
            ("matplotlib", f"import matplotlib.pyplot as plt\n{code}", count)
            for code, count in (
                ("plt.plot([1, 2])", 1),
                ("plt.plot([1]); plt.show(); plt.plot([2]); plt.show(block=False)", 2),
                ("plt.figure(); plt.figure(); plt.show(); plt.figure()", 3),
                ("plt.plot([1]); plt.close()", 0),
                ("plt.show()", 0),
                ("plt.plot([1])\n1 / 0", 1),
                ("plt.plot([1]); raise SystemExit", 1),
                ("import matplotlib; matplotlib.use('Agg'); plt.plot([1]); plt.show(); plt.plot([1])", 2),
                ("plt.plot([1]); plt.gcf()", 1),
                ("f = plt.figure(); plt.close(); f", 1),
            )
        ),
        ("pandas", "import pandas as pd\npd.DataFrame({'a': [1, 2]}).plot(title='ü')", 1),
        ("seaborn", "import seaborn as sns\nsns.lineplot(x=[1, 2], y=[1, 2])", 1),
        ("matplotlib", "from matplotlib.figure import Figure\nFigure()", 1),
        ("seaborn", "import seaborn.objects as so\nso.Plot(x=[1, 2], y=[3, 4]).add(so.Line())", 1),
        ("PIL", "from PIL import Image\nImage.new('CMYK', (2, 2)).show()", 1),
        ("PIL", "from PIL import Image\nImage.new('RGB', (2, 2)).show()", 1),
        ("PIL", "from PIL import Image\nImage.new('RGB', (2, 2))", 1),
    ],
)
def test_drawings_come_back_without_being_saved(warm: LocalSandbox, library: str, code: str, count: int):
    if find_spec(library) is None:
        pytest.skip(f"{library} is not installed")

    result = warm.run(ExecutionRequest(code))

    assert [image.name for image in result.images] == [f"image_{n}.png" for n in range(count)]
    assert all(image.data.startswith(PNG) for image in result.images)
    assert (result.files, "Warning" in result.stderr) == ((), False)


def test_figures_come_back_in_the_order_they_were_drawn(warm: LocalSandbox):
    code = (
        "import matplotlib.pyplot as plt\n"
        "for width in (3, 1, 2):\n  plt.figure(figsize=(width, 1)); plt.show()\n"
        "plt.figure(figsize=(5, 1)); plt.figure(figsize=(4, 1))\n"
    )
    result = warm.run(ExecutionRequest(code))

    widths = [int.from_bytes(image.data[16:20], "big") for image in result.images]
    assert widths == [300, 100, 200, 500, 400]


def test_a_figure_that_cannot_be_drawn_is_a_failure(warm: LocalSandbox):
    result = warm.run(ExecutionRequest("import matplotlib.pyplot as plt\nplt.title('$\\\\frac{$')"))

    assert result.outcome is Outcome.FAILED
    assert "Expected \\frac" in result.stderr
    assert result.images == ()


@pytest.mark.parametrize(
    ("save", "names"),
    [
        ("plt.savefig('a.png')", ["a.png"]),
        ("plt.savefig('a.png'); plt.close()", ["a.png"]),
        ("plt.savefig('a.png'); plt.savefig('b.svg'); plt.close()", ["a.png", "b.svg"]),
        ("plt.savefig('a.png'); plt.show()", ["a.png"]),
        ("plt.savefig('a.png', dpi=50, bbox_inches='tight'); plt.show()", ["a.png"]),
        ("plt.savefig('a.png'); plt.savefig('b.png'); plt.show()", ["a.png", "b.png"]),
        ("plt.savefig('a.png'); plt.title('later'); plt.show()", ["image_0.png", "a.png"]),
        ("figure = plt.gcf(); plt.show(); figure.savefig('a.png')", ["a.png"]),
        ("import io; plt.savefig(io.BytesIO()); plt.close()", ["image_0.png"]),
    ],
)
def test_a_figure_that_is_saved_comes_back_once(warm: LocalSandbox, save: str, names: list[str]):
    if find_spec("matplotlib") is None:
        pytest.skip("matplotlib is not installed")

    result = warm.run(ExecutionRequest(f"import matplotlib.pyplot as plt\nplt.plot([1])\n{save}"))

    assert [file.name for file in (*result.images, *result.files)] == names
    assert len(result.images) == 1
    assert result.images[0].data.startswith(PNG)


@pytest.mark.parametrize(
    ("library", "code", "mark"),
    [
        ("plotly", "import plotly.graph_objects as go\ngo.Figure(go.Bar(y=[1]))", b"plotly"),
        ("plotly", "import plotly.graph_objects as go\ngo.Figure(go.Bar(y=[1])).show()", b"plotly"),
        ("altair", "import altair as alt\nalt.Chart(alt.Data(values=[{'a': 1}])).mark_bar()", b"vega"),
        ("altair", "import altair as alt\nalt.Chart(alt.Data(values=[{'a': 1}])).mark_bar().show()", b"vega"),
    ],
)
def test_a_figure_that_a_browser_draws_comes_back_as_a_page(
    warm: LocalSandbox, library: str, code: str, mark: bytes
):
    if find_spec(library) is None:
        pytest.skip(f"{library} is not installed")

    result = warm.run(ExecutionRequest(code))

    assert result.stdout.startswith("figure_0.html holds the figure, to be opened in a browser")
    assert [(file.name, file.mime_type) for file in result.files] == [("figure_0.html", "text/html")]
    assert mark in result.files[0].data
    assert (result.images, result.stderr) == ((), "")


@pytest.mark.parametrize(
    "code",
    [
        "import multiprocessing as mp\nmp.Process(target=print).start()",
        "import multiprocessing as mp\nmp.get_context('spawn').Process(target=print).start()",
        "from concurrent.futures import ProcessPoolExecutor\nProcessPoolExecutor(2).submit(abs, -1).result()",
        "import subprocess\nsubprocess.run(['ls'])",
        "import os\nos.system('ls')",
    ],
)
def test_other_processes_are_refused_in_words(sandbox: LocalSandbox, code: str):
    result = sandbox.run(ExecutionRequest(code))

    assert result.outcome is Outcome.FAILED
    assert "processes cannot be started in this sandbox: use threads instead" in result.stderr
