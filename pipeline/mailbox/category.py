"""The category that a filed mail gets on Exchange and Microsoft 365, beside those that people gave it."""

from collections.abc import Sequence

CATEGORY = "CPL"
_MOST_CHARACTERS = 255


def require_category(name: str) -> None:
    """Raise ValueError where this cannot be the name of a category: Outlook parts them by comma or semicolon."""
    if not name.isprintable() or name != name.strip() or len(name) > _MOST_CHARACTERS or set(name) & set(",;"):
        raise ValueError(f"category {name!r} is no name of a category. Leave it empty for none.")


def with_category(held: Sequence[str], name: str) -> list[str]:
    """Return the categories a mail is to have; nothing where ``name`` is empty or stands there already."""
    if not name or name.casefold() in map(str.casefold, held):
        return []
    return [*held, name]
