"""Makes what an attacker chose harmless to read: for eyes, for terminals, for each place it is shown in."""

import re
import unicodedata

# Longer texts are cut: what a program was called with may be megabytes, and the whole is in the detection.
LONGEST = 600

# Controls, invisible and direction-changing characters, private and unassigned ones, separators of lines.
_HIDDEN = {"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"}

_SCHEME = re.compile(r"(?:h(tt)|f(t))(ps?)(?=://)", re.IGNORECASE)
_OTHER_SCHEME = re.compile(r"(?<=[A-Za-z\d+.-])(?<!xxp)(?<!xxps)(?<!fxp)(?<!fxps):(?=//)", re.IGNORECASE)
_IPV4 = re.compile(r"(\d{1,3}(?:\.\d{1,3}){2})\.(?=\d)")
_IPV6 = re.compile(
    r"(?<![\w:.])(?=[\da-fA-F:]*::|(?:[\da-fA-F]+:){7})((?:[\da-fA-F]{0,4}:){2,7}[\da-fA-F]{0,4})(?![\w:])"
)
_NAME = re.compile(r"(?<![\w/.-])((?:[\w-]+\.)+)([a-zA-Z]{2,24})(?![\w.(])")
_HOST_IN_URL = re.compile(r"(?<=://)[^/\s]+")

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>&$:=])")
_AT = re.compile(r"@(?=\S)")
_ACTIVE = re.compile(r"<(?=\S)|@(?=\S)|\](?=\()|\[(?=/?code\])", re.IGNORECASE)
_WORD_JOINER = "\N{ZERO WIDTH SPACE}"


def visible(text: str, longest: int = LONGEST) -> str:
    """``text`` in one line, with characters spelled out that are obeyed instead of shown, or never shown."""
    shown = "".join(_spelled(character) for character in text[: longest + 1])
    return shown[:longest] + "…" if len(shown) > longest else shown


def defanged(text: str, *, names: bool = True) -> str:
    """``text`` with addresses that no program makes a link of: ``hxxp://198.51.100[.]7/x``.

    ``names``: names of hosts that stand alone too. Names of files that look the same suffer with them.
    """
    text = _HOST_IN_URL.sub(lambda host: host[0].replace(".", "[.]"), text)
    text = _SCHEME.sub(lambda scheme: scheme[0].replace("t", "x").replace("T", "x"), text)
    text = _OTHER_SCHEME.sub("[:]", text)
    text = _IPV4.sub(r"\1[.]", text)
    text = _IPV6.sub(lambda address: _broken(address[0]), text)
    return _NAME.sub(lambda name: f"{name[1][:-1]}[.]{name[2]}", text) if names else text


def _broken(address: str) -> str:
    return address.replace("::", "[::]", 1) if "::" in address else f"[{address}]"


def shown(text: str, longest: int = LONGEST) -> str:
    """What of an attacker's text a reader may see: visible, and with no address to click on."""
    return defanged(visible(text, longest))


def remark(text: str, longest: int = LONGEST) -> str:
    """What we or those who run the place say: addresses are harmless, but the dots of names stay."""
    return defanged(visible(text, longest), names=False)


def markdown(text: str) -> str:
    """``text`` as literal text in Markdown: no link, heading, mention, emoji, channel or HTML comes of it."""
    return _AT.sub("@" + _WORD_JOINER, _MARKDOWN.sub(r"\\\1", text))


def inert(text: str) -> str:
    """``text`` where nobody knows which mark-up is obeyed: no tag, mention, link or command comes of it."""
    return _ACTIVE.sub(lambda one: one[0] + _WORD_JOINER, text)


def wiki(text: str) -> str:
    """``text`` for a block of Jira's wiki mark-up, which only a macro could end: none comes of it."""
    return text.replace("{", "{" + _WORD_JOINER)


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
