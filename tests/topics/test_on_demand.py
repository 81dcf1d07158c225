"""Modules of packages are imported when something in them is asked for, or all at once."""

import importlib
import subprocess
import sys

import pytest

PACKAGES = ["processors.merge", "processors.names", "topics.control", "topics.dns"]


def printed(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("package", PACKAGES)
def test_what_a_package_offers_is_there(package: str) -> None:
    module = importlib.import_module(package)
    assert all(getattr(module, name) is not None for name in module.__all__)
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'nothing'"):
        _ = module.nothing


def test_numba_is_imported_when_it_is_needed() -> None:
    asked = f"import sys, {', '.join(PACKAGES)}; print('numba' in sys.modules)"
    assert printed(asked) == "False\n"
    assert printed("import sys, topics.control as c; c.encode_control; print('numba' in sys.modules)") == "True\n"


def test_all_of_a_package_can_be_imported() -> None:
    asked = "import sys; from topics.on_demand import import_all; import_all('topics.control'); print(*sys.modules)"
    assert {"topics.control.codec", "topics.control.partitions"} <= set(printed(asked).split())
