"""Encryption of names and numbers of natural persons in events. They are decrypted only to be shown.

All persons share the same keys. So the data of a single person cannot be erased yet; a keyring service with one data key for each
record will replace this later, and destroying a key will erase one record.
"""

import unicodedata

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

_MASK = "＊"


class Unsealable(Exception):
    """The token was encrypted with a key that is not (or no longer) configured, or it was changed."""


class Seal:
    """Encrypts with the first key and decrypts with any. To rotate, put a new key first (Fernet: AES-128-CBC, HMAC-SHA256)."""

    def __init__(self, *keys: str | bytes) -> None:
        if not keys:
            raise ValueError("a seal needs at least one key")
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def seal(self, text: str) -> str:
        """`text` encrypted; a different token at every call."""
        return self._fernet.encrypt(text.encode()).decode("ascii")

    def open(self, token: str) -> str:
        """The decrypted text. Raises Unsealable."""
        try:
            return self._fernet.decrypt(token.encode()).decode()
        except InvalidToken:
            raise Unsealable("no configured key decrypts this token") from None

    def __repr__(self) -> str:
        return "Seal(keys not shown)"


def mask_name(name: str) -> str:
    """A person's name for display: the first character, and a mask for each other one. A single character is masked."""
    characters = unicodedata.normalize("NFKC", name).strip()
    shown = characters[:1] if len(characters) > 1 else ""
    return shown + _MASK * (len(characters) - len(shown))


def make_seal_keys(count: int = 1) -> tuple[str, ...]:
    """New keys for a seal."""
    return tuple(Fernet.generate_key().decode("ascii") for _ in range(count))
