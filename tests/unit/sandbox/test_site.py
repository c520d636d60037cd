"""The checks of the built site find what they are for."""

from pathlib import Path

import pytest

from sandbox.pages.site import problems

GOOD = """\
<html><head><link rel="stylesheet" href="look.css"><link rel="canonical" href="https://x/y">
<script src="a.js?v=1"></script></head>
<body><h1 id="top">Hello</h1><a href="#top">here</a><a href="sub/other.html#part">there</a>
<a href="https://example.com">away</a><img src="data:image/png;base64,AA=="></body></html>
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "index.html").write_text(GOOD)
    (tmp_path / "sub" / "other.html").write_text('<p id="part"><a href="../index.html">up</a></p>')
    (tmp_path / "look.css").write_text("p { background: url(data:image/png;base64,AA==) }")
    (tmp_path / "a.js").write_text("")
    return tmp_path


def test_a_good_site_has_none(site: Path) -> None:
    assert problems(site) == []


@pytest.mark.parametrize(
    ("html", "problem"),
    [
        (
            '<script src="https://cdn.example/x.js">',
            "loads https://cdn.example/x.js from elsewhere",
        ),
        ('<link rel="preconnect" href="//fonts.example">', "loads //fonts.example from elsewhere"),
        ('<img src="/logo.png">', "loads /logo.png from elsewhere"),
        ('<img srcset="b.png 2x">', "loads b.png and it is not there"),
        ('<p style="background: url(https://x/y.png)">', "loads https://x/y.png from elsewhere"),
        ('<iframe src="http://x/"></iframe>', "loads http://x/ from elsewhere"),
        ('<a href="gone.html">', "links to gone.html and it is not there"),
        ('<a href="#gone">', "links to #gone and the page has no such anchor"),
        (
            '<a href="sub/other.html#gone">',
            "links to sub/other.html#gone and the page has no such anchor",
        ),
    ],
)
def test_a_bad_page_is_named(site: Path, html: str, problem: str) -> None:
    (site / "bad.html").write_text(html)
    assert problems(site) == [f"bad.html {problem}"]


def test_a_style_sheet_that_loads_from_elsewhere_is_named(site: Path) -> None:
    (site / "look.css").write_text('@import "https://x/y.css"; a { background: url("z.png") }')
    assert problems(site) == [
        "look.css loads https://x/y.css from elsewhere",
        "look.css loads z.png and it is not there",
    ]


def test_an_empty_folder_is_no_site(tmp_path: Path) -> None:
    assert problems(tmp_path) == [f"{tmp_path} holds no page; build it with `make docs`"]
