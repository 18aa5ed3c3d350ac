"""What several sources say of one container, joined."""

import pytest

from collectors.inventory.book import Book
from wire.inventory import Description, Pod

ID = "0123456789abcdef" * 4


def test_of_each_fact_the_best_source_is_believed() -> None:
    """The runtime before the cluster before the files, each where the ones before say nothing."""
    book = Book()
    book.told("oci", ID, Description(name="c", pid=7, privileged=True, capabilities=["CAP_KILL"]))
    book.told("kubernetes", ID, Description(name="b", image="i:1", liveness_probe="live"))
    book.told("cri", ID, Description(name="a", privileged=False, labels={}))
    assert book.about(ID) == Description(
        sources=["cri", "kubernetes", "oci"],
        name="a",
        image="i:1",
        pid=7,
        privileged=False,
        capabilities=["CAP_KILL"],
        labels={},
        liveness_probe="live",
    )


def test_the_cluster_is_believed_of_pods() -> None:
    """It knows them best; what only the runtime knows is added."""
    book = Book()
    book.told("cri", ID, Description(name="a", pod=Pod(uid="u", name="p", sandbox="s")))
    book.pod(Pod(uid="u", name="p", namespace="n", workload="w"))
    about = book.about(ID)
    assert about is not None
    assert about.pod == Pod(uid="u", name="p", sandbox="s", namespace="n", workload="w")


def test_a_pod_that_only_the_control_group_names_is_found() -> None:
    """Before any source knows the container itself."""
    book = Book()
    book.pod(Pod(uid="u", name="p"))
    assert book.about(ID, "u") == Description(pod=Pod(uid="u", name="p"))
    assert book.about(ID) is None


def test_news_are_what_changed() -> None:
    """Saying the same again is none; a changed pod is one for its containers."""
    book = Book()
    book.told("cri", ID, Description(name="a", pod=Pod(uid="u")))
    book.news.clear()
    book.told("cri", ID, Description(name="a", pod=Pod(uid="u")))
    assert book.news == set()
    book.pod(Pod(uid="u", labels={"a": "b"}))
    assert book.news == {ID}


def test_what_is_gone_is_still_told_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its last events may be on their way; one that comes again stays."""
    book = Book()
    for container in (ID, "b" * 64):
        book.told("docker", container, Description(name=container[:1]))
        book.gone(container)
    book.tidy()
    assert (ID in book, book.about(ID) is None) == (False, False)
    book.told("docker", "b" * 64, Description(name="again"))
    monkeypatch.setattr("time.monotonic", lambda: 1e12)
    book.tidy()
    assert book.about(ID) is None
    assert "b" * 64 in book
