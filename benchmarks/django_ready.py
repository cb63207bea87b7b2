"""Sets Django up with a data directory of its own. Import it before anything of `tracestore`."""

import os
import tempfile

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracestore.settings")
os.environ.setdefault("TRACESTORE_DATA_DIR", tempfile.mkdtemp(prefix="tracestore-benchmark-"))
django.setup()
