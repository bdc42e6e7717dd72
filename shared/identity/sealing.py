"""Names and numbers of natural persons, encrypted in events and opened only to be shown.

All persons share the keys given here. A keyring service with one data key a record replaces this later, so that one
record can be erased by destroying its key; until then erasure of a single person's fields is not possible.
"""

import unicodedata

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

_MASK = "＊"


class Unsealable(Exception):
    """The token was sealed with a key that is not (or no longer) here, or it was changed."""


class Seal:
    """Seals with the first key and opens with any: put a new key first to rotate (Fernet: AES-128-CBC, HMAC-SHA256)."""

    def __init__(self, *keys: str | bytes) -> None:
        if not keys:
            raise ValueError("a seal needs at least one key")
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def seal(self, text: str) -> str:
        """The sealed form of `text`; another one at every call."""
        return self._fernet.encrypt(text.encode()).decode("ascii")

    def open(self, token: str) -> str:
        """What was sealed. Raises `Unsealable`."""
        try:
            return self._fernet.decrypt(token.encode()).decode()
        except InvalidToken:
            raise Unsealable("no key here opens this token") from None

    def __repr__(self) -> str:
        return "Seal(keys not shown)"


def mask_name(name: str) -> str:
    """A person's name as it may be shown: the first character, a mask for each other; a single one is masked whole."""
    characters = unicodedata.normalize("NFKC", name).strip()
    shown = characters[:1] if len(characters) > 1 else ""
    return shown + _MASK * (len(characters) - len(shown))


def make_seal_keys(count: int = 1) -> tuple[str, ...]:
    """New keys for a seal."""
    return tuple(Fernet.generate_key().decode("ascii") for _ in range(count))
