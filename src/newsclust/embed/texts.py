"""What is embedded of an article."""


def embedding_text(title: str, text: str, *, characters: int = 300) -> str:
    """Return what is embedded of an article: "title. beginning", the beginning cut at a word.

    White space is collapsed. The beginning has at most `characters` characters; a first word longer than
    that is cut. Without a title or a text, the other stands alone.
    """
    title, lead = " ".join(title.split()), " ".join(text.split())
    if len(lead) > characters:
        cut = lead.rfind(" ", 0, characters + 1)
        lead = lead[: cut if cut > 0 else characters]
    if not title or not lead:
        return title or lead
    return f"{title} {lead}" if title[-1] in ".!?…:" else f"{title}. {lead}"


def title_text(title: str, text: str, *, characters: int = 300) -> str:
    """Return what is embedded of an article's title: the title; without one, the `embedding_text` of its text."""
    return embedding_text(title, "" if title.strip() else text, characters=characters)
