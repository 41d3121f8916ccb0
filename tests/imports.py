"""What importing costs, seen from outside: a fresh Python tells what it has loaded."""

import subprocess
import sys


def heavy_modules_after(code: str) -> str:
    """Which of the heavy libraries a fresh Python has loaded after `code`, as a set's text."""
    heavy = "{'torch', 'transformers', 'huggingface_hub', 'numpy'}"
    code = f"import sys; {code}; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()
