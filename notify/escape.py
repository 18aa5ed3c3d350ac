"""Makes what an attacker chose harmless to read: for eyes, for terminals, for each place it is shown in."""

import re
import unicodedata

# Longer texts are cut: what a program was called with may be megabytes, and the whole is in the detection.
LONGEST = 600

# Controls, invisible and direction-changing characters, private and unassigned ones, separators of lines.
_HIDDEN = {"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"}

_SCHEME = re.compile(r"\b(h)tt(ps?)(?=://)|\b(f)t(ps?)(?=://)", re.IGNORECASE)
_IPV4 = re.compile(r"(?<![\d.])(\d{1,3}\.\d{1,3}\.\d{1,3})\.(\d{1,3})(?![\d.]*\.\d)")
_IPV6 = re.compile(
    r"(?<![\w:.])(?=[\da-fA-F:]*::|(?:[\da-fA-F]+:){7})((?:[\da-fA-F]{0,4}:){2,7}[\da-fA-F]{0,4})(?![\w:])"
)
_NAME = re.compile(r"(?<![\w/.@-])((?:[\w-]+\.)+)([a-zA-Z]{2,24})(?![\w.(])")
_HOST_IN_URL = re.compile(r"(?<=://)[^/\s]+")

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>&$:=])")
_AT = re.compile(r"@(?=\S)")
_WORD_JOINER = "\N{ZERO WIDTH SPACE}"


def visible(text: str, longest: int = LONGEST) -> str:
    """``text`` in one line, with characters spelled out that are obeyed instead of shown, or never shown."""
    shown = "".join(_spelled(character) for character in text[: longest + 1])
    return shown[:longest] + "…" if len(shown) > longest else shown


def defanged(text: str) -> str:
    """``text`` with addresses that no program makes a link of: ``hxxp://198.51.100[.]7/x``."""
    text = _HOST_IN_URL.sub(lambda host: host[0].replace(".", "[.]"), text)
    text = _SCHEME.sub(
        lambda scheme: f"{scheme[1]}xx{scheme[2]}" if scheme[1] else f"{scheme[3]}x{scheme[4]}", text
    )
    text = _IPV4.sub(r"\1[.]\2", text)
    text = _IPV6.sub(
        lambda address: address[0].replace("::", "[::]", 1) if "::" in address[0] else f"[{address[0]}]", text
    )
    return _NAME.sub(lambda name: f"{name[1][:-1]}[.]{name[2]}", text)


def shown(text: str, longest: int = LONGEST) -> str:
    """What of an attacker's text a reader may see: visible, and with no address to click on."""
    return defanged(visible(text, longest))


def markdown(text: str) -> str:
    """``text`` as literal text in Markdown: no link, heading, mention, emoji, channel or HTML comes of it."""
    return _AT.sub("@" + _WORD_JOINER, _MARKDOWN.sub(r"\\\1", text))


def code(text: str) -> str:
    """``text`` as code within a line of Markdown, with a fence that it cannot end."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if text[:1] in ("`", " ") or text[-1:] in ("`", " ") or not text else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def fenced(lines: list[str]) -> list[str]:
    """Lines as a block of code in Markdown, with a fence that none of them can end."""
    longest = max((len(run) for line in lines for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence, *lines, fence]


def slack(text: str) -> str:
    """``text`` as literal text where Slack reads its mark-up: no mention, link or command comes of it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _spelled(character: str) -> str:
    if unicodedata.category(character) not in _HIDDEN:
        return character
    return character.encode("unicode_escape").decode()
