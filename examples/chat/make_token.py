"""Makes a token that says who somebody is, as the login of a real chat would. Comes with framegate: the library PyJWT.

    python make_token.py USER [--seconds 600]
"""

from __future__ import annotations

import argparse
import os
import time

import jwt


def token_for(user: str, seconds: int, secret: str) -> str:
    """A token for ``user`` that is good for so many seconds."""
    return jwt.encode({"sub": user, "exp": int(time.time()) + seconds}, secret, algorithm="HS256")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="Make a token that says who somebody is.")
    arguments.add_argument("user")
    arguments.add_argument("--seconds", type=int, default=600, help="how long it is good")
    given = arguments.parse_args()
    print(token_for(given.user, given.seconds, os.environ["CHAT_SECRET"]))
