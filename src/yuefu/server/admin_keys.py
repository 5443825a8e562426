"""Making and revoking the keys of the admin API."""

from yuefu.access.admin_key import AdminKey, NewAdminKey, Role, make_key
from yuefu.access.audit import Author
from yuefu.server.centre import Centre, Transaction


def create_key(centre: Centre, name: str, role: Role, author: Author) -> NewAdminKey:
    """A new key, good at once. Raises `BadAppName`, `AdminKeyNameTaken`."""
    at_ms = centre.now_ms()
    new = make_key(name, role, at_ms=at_ms, random_bytes=centre.random_bytes)

    def job(transaction: Transaction) -> None:
        transaction.admin_keys.add(new)
        subject = _subject(new.key)
        transaction.audit(author.entry("admin-key.create", subject, at_ms=at_ms, name=name, role=role.value))

    centre.work.run(job)
    return new


def revoke_key(centre: Centre, key_id: str, author: Author) -> AdminKey:
    """End a key: running servers refuse it from their next call on. Raises `UnknownAdminKey`, `AdminKeyRevoked`."""
    at_ms = centre.now_ms()

    def job(transaction: Transaction) -> AdminKey:
        revoked = transaction.admin_keys.revoke(key_id, at_ms=at_ms)
        transaction.audit(author.entry("admin-key.revoke", _subject(revoked), at_ms=at_ms, name=revoked.name))
        return revoked

    return centre.work.run(job)


def _subject(key: AdminKey) -> str:
    return f"admin key {key.key_id}"
