"""Mail and cards in a real browser, on a desktop and on a telephone."""

import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import pytest

from notify.message import Message
from notify.render.html import html
from notify.render.teams import payload
from tests.notify.hostile import FRAGMENTS, said
from tests.notify.samples import say
from tests.peers.cache import CACHE, keep

PACKAGE = "adaptivecards@3.0.6"
MADE = [say(), said(["a" * 5000] * 10, "Look."), said(["".join(FRAGMENTS)] * 10, "Look.")]

# What the page says of itself when it is shown: how wide it is, and how wide the window.
_MEASURE = """<script>
document.title = [document.documentElement.scrollWidth, document.documentElement.clientWidth].join(" of ");
</script>"""


@dataclass(frozen=True)
class Browser:
    """Chromium without a window; pages are files of ``folder``."""

    program: str
    folder: Path

    def title(self, page: str) -> str:
        """What a page has called itself after its scripts ran."""
        (self.folder / "page.html").write_text(page)
        command = [self.program, "--headless=new", "--no-sandbox", "--disable-gpu"]
        command += ["--allow-file-access-from-files", f"--user-data-dir={self.folder / 'profile'}"]
        command += ["--dump-dom", f"file://{self.folder / 'page.html'}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        title = re.search(r"<title>(.*?)</title>", done.stdout, re.DOTALL)
        assert title is not None
        return unescape(title[1])


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    """A browser with a profile of its own."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed")
    return Browser(program, tmp_path)


@pytest.fixture(scope="session")
def renderer() -> Path:
    """The renderer of Adaptive Cards that Teams is built on, as one file."""
    folder = CACHE / PACKAGE.replace("@", "-")
    if not folder.exists():
        if shutil.which("npm") is None:
            pytest.skip("npm is not installed (Debian: npm)")
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            command = ["npm", "pack", "--silent", PACKAGE]
            packed = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)
            if packed.returncode != 0:
                pytest.skip(f"npm could not fetch {PACKAGE}: {packed.stderr.strip()[-200:]}")
            subprocess.run(["tar", "xf", packed.stdout.strip()], cwd=scratch, check=True)
            keep(Path(scratch) / "package", folder)
    return folder / "dist" / "adaptivecards.js"


@pytest.mark.parametrize("width", [360, 900])
@pytest.mark.parametrize("made", MADE, ids=range(3))
def test_a_mail_fits_the_screen(made: Message, width: int, browser: Browser) -> None:
    """No text is so long or so strange that one has to scroll sideways, and no script of others runs."""
    (browser.folder / "mail.html").write_text(html(made).replace("</body>", f"{_MEASURE}</body>"))
    seen = browser.title(
        f'<iframe src="mail.html" style="width:{width}px;height:30000px;border:0"></iframe>'
        "<script>onload = () => { document.title = JSON.stringify({size: frames[0].document.title,"
        " names: [...frames[0].document.querySelectorAll('*')].flatMap("
        "one => [one.localName, ...[...one.attributes].map(each => each.name)])}); }</script>"
    )
    told = json.loads(seen)
    wide, screen = map(int, told["size"].split(" of "))
    assert wide <= screen == width
    assert told["names"].count("script") == 1
    assert not {"img", "iframe", "form", "object", "embed", "base"} & set(told["names"])
    assert not [name for name in told["names"] if name.startswith("on")]


@pytest.mark.parametrize("made", MADE, ids=range(3))
def test_a_card_is_taken_and_drawn_by_its_renderer(made: Message, browser: Browser, renderer: Path) -> None:
    """Version 1.4, as Teams has it, with nothing unknown in it; what is drawn is text and our links."""
    card = json.dumps(payload(made)["attachments"][0]["content"]).replace("<", "\\u003c")
    told = json.loads(
        browser.title(f"""<div id="card"></div><script src="{renderer}"></script><script>
const card = new AdaptiveCards.AdaptiveCard();
const context = new AdaptiveCards.SerializationContext(AdaptiveCards.Versions.v1_4);
card.parse({card}, context);
const wrong = card.validateProperties().validationEvents.map(each => each.message);
for (let n = 0; n < context.eventCount; n++) wrong.push(context.getEventAt(n).message);
const place = document.getElementById("card");
place.appendChild(card.render());
document.title = JSON.stringify({{wrong, text: place.textContent,
    names: [...new Set([...place.querySelectorAll("*")].map(each => each.localName))]}});
</script>""")
    )
    assert told["wrong"] == []
    assert set(told["names"]) <= {"div", "p", "span", "button"}
    assert "What to do now:" in told["text"]
