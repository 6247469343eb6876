"""Values that must differ between any two instances."""

import os
import random
import secrets
import tempfile
import uuid


def handler(event, context):
    return {
        "random": random.random(),
        "system random": random.SystemRandom().random(),
        "uuid4": str(uuid.uuid4()),
        "uuid1": str(uuid.uuid1()),
        "secrets": secrets.token_hex(16),
        "urandom": os.urandom(16).hex(),
        "file name": next(tempfile._get_candidate_names()),
    }
