import subprocess
import sys

HEAVY = ("django", "misp_stix_converter", "pymisp", "stix2", "stix2validator", "requests")


def test_the_package_loads_without_django_and_without_what_only_misp_needs():
    program = f"import sys, taawun.capabilities.intel.stix; print([n for n in {HEAVY!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
