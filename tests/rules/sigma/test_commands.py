"""Rules for Sigma at the command line."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.rules.sigma.test_correlation import BASE, COUNT, correlation
from tests.rules.sigma.writing import asking
from tracetide.commands.rules import rules


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three rules, of which one is refused, and a correlation."""
    (tmp_path / "a.yml").write_text(asking("Image|endswith: /nc", title="Netcat started"))
    (tmp_path / "b.yml").write_text(asking("Hashes: x", title="Not here"))
    (tmp_path / "c.yml").write_text(f"{BASE}---\n{correlation(COUNT)}")
    return tmp_path


def run(*arguments: str | Path) -> Result:
    """What ``tracetide rules`` does with arguments."""
    return CliRunner().invoke(rules, [str(each) for each in arguments])


def test_check(folder: Path) -> None:
    """The end says how many were loaded and refused, the warnings before say why."""
    result = run("check", folder)
    assert result.exit_code == 0
    assert "rule Not here: left out: Hashes: events carry no hashes of files" in result.output
    assert result.output.splitlines()[-1] == (
        "2 Sigma rules loaded, 1 refused; 1 correlations are kept and do not fire by themselves yet"
    )
    plain = json.loads(run("check", "--json", folder).output)
    assert [each["name"] for each in plain["refused"]] == ["Not here"]
    assert [each["name"] for each in plain["correlations"]] == ["C"]


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"Image": "/usr/bin/NC"}, "true"),
        ({"Image": "/usr/bin/ncat"}, "false"),
        ({"evt.type": "execve", "proc.exepath": "/bin/nc"}, "true"),
        ({"evt.type": "connect", "proc.exepath": "/bin/nc"}, "false"),
    ],
)
def test_eval(folder: Path, fields: dict[str, str], answer: str) -> None:
    """A rule is tried by its title, with Sigma's fields or with ours."""
    result = run("eval", "--rules", folder, "--rule", "Netcat started", "--fields", json.dumps(fields))
    assert result.output.splitlines()[-1] == answer


def test_source(folder: Path) -> None:
    """The function that the rules became can be read."""
    assert "if '*/nc' in FOUND_1(p.exepath):" in run("explain", "--source", "execve", folder).output


def test_explain(folder: Path) -> None:
    """Which check of a rule decided is told in our words, of an event in Sigma's too."""
    result = run("explain", '{"Image": "/bin/cat"}', "Netcat started", folder)
    assert "proc.exepath ilike */nc" in result.output


def test_list(folder: Path) -> None:
    """Rules for Sigma are listed like all others."""
    assert "Netcat started" in run("list", folder).output
