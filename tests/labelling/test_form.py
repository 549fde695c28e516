"""The form in a browser: keys, what it keeps, the CSV that it gives, and that no text can do anything."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from bench.labelling.answers import read_sheet
from bench.labelling.form import form_html
from bench.labelling.proposing import Proposal
from bench.labelling.sheet import sheet_csv, sheet_rows
from bench.neutral import neutral
from bench.tasks.data import make_retrieval

HOSTILE = [
    "</script><script>window.injected = 1</script>",
    '"><img src=x onerror="window.injected = 1">',
    '=HYPERLINK("http://example.com")',
    'a "quoted", text\r\nof two lines',
    "  \u2028 <!-- {{ data }} ",
    "plain",
]
POOL = "the first 10 of a and <b>"
IDS = ["</script>", "=1", "007", " a", "__proto__", "d5"]
DATA = make_retrieval((IDS, HOSTILE), (["q", "-q"], ["<i>what</i>", HOSTILE[0]]), [(0, 0, 1)], "here")
PAIRS = [Proposal(row % 2, row, 1.0, 1.0) for row in range(6)]
ROWS = sheet_rows(DATA, PAIRS)


class Form:
    """The form in the browser."""

    def __init__(self, browser, url, folder):
        self.browser, self.url, self.folder = browser, url, folder
        browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})

    def open(self):
        self.browser.get("about:blank")
        self.browser.get(self.url)
        return self

    def press(self, *keys):
        for key in keys:
            self.browser.switch_to.active_element.send_keys(key)

    def text(self, name):
        return self.browser.execute_script("return document.getElementById(arguments[0]).textContent", name)

    def find(self, name):
        return self.browser.find_element(By.ID, name)

    def download(self):
        for old in self.folder.glob("*.csv"):
            old.unlink()
        self.find("download").click()
        for _ in range(400):
            if found := list(self.folder.glob("*.csv")):
                return found[0]
            time.sleep(0.05)
        raise AssertionError("nothing was downloaded")


@pytest.fixture
def form(browser, tmp_path):
    page = tmp_path / "labels.html"
    page.write_text(form_html(ROWS, POOL, "<shop>", "labels.csv"), encoding="utf-8")
    browser.get_log("browser")
    made = Form(browser, page.as_uri(), tmp_path).open()
    browser.execute_script("localStorage.clear()")
    return made.open()


def answered(path):
    return {key: label.gain for key, label in read_sheet(path, DATA).labels.items()}


# What would act on a reader is shown, and line ends are newlines.
SHOWN = [neutral(text.replace("\r\n", "\n"), lines=True) for text in HOSTILE]


def names(*places):
    return [(DATA.query_ids[PAIRS[place].query], DATA.document_ids[PAIRS[place].document]) for place in places]


def test_keys_give_answers_and_move_on(form):
    assert (form.text("query"), form.text("document")) == ("<i>what</i>", HOSTILE[0])
    form.press("1", "0", "s")
    assert form.text("document") == SHOWN[3]
    assert form.text("count") == "pair 4 of 6, 3 done"
    form.press(Keys.ARROW_LEFT)
    assert form.text("answer") == "skipped"
    form.press(Keys.ARROW_LEFT)
    assert form.text("answer") == "not relevant"
    form.press("1")
    # Undo goes back to the pair whose answer it takes back.
    form.press("0", "u", "u")
    assert (form.text("count"), form.text("answer")) == ("pair 2 of 6, 3 done", "not relevant")
    found = form.download()
    assert answered(found) == dict(zip(names(0, 1), [1, 0], strict=True))
    assert read_sheet(found, DATA).skipped == 4


def test_buttons_do_the_same(form):
    for name in ("yes", "no", "skip", "undo", "previous", "yes", "next"):
        form.find(name).click()
    assert answered(form.download()) == dict(zip(names(0, 1), [1, 1], strict=True))
    assert form.text("count") == "pair 4 of 6, 2 done"


def test_the_file_is_the_sheet_with_its_labels(form):
    form.press("0", "1", "1", "0", "1", "1")
    assert form.text("message") == "All pairs are done: download the CSV."
    cells = sheet_csv(ROWS, POOL).decode()
    expected = cells
    for row, label in zip(ROWS, "011011", strict=True):
        expected = expected.replace(f",,,{row.pair},", f",{label},,{row.pair},")
    assert form.download().read_bytes().decode() == expected
    assert form.text("message") == "Saved as labels.csv."


def test_a_note_is_text_and_keys_in_it_are_letters(form):
    form.press("n")
    form.press(*"=1 sus", Keys.ENTER)
    form.press("1")
    label = read_sheet(form.download(), DATA).labels[names(0)[0]]
    assert (label.gain, label.note) == (1, "'=1 sus")
    assert form.text("count") == "pair 2 of 6, 1 done"


def test_answers_outlast_the_page_and_belong_to_one_sheet(form, tmp_path):
    form.press("1", "s")
    form.open()
    assert form.text("count") == "pair 3 of 6, 2 done"
    assert answered(form.download()) == dict(zip(names(0), [1], strict=True))
    other = tmp_path / "other.html"
    other.write_text(form_html(ROWS[:5], POOL, "shop", "labels.csv"), encoding="utf-8")
    assert Form(form.browser, other.as_uri(), tmp_path).open().text("count") == "pair 1 of 5, 0 done"


def test_nothing_of_the_texts_acts_and_nothing_is_fetched(form):
    for _ in PAIRS:
        form.press("1")
    run = form.browser.execute_script
    assert run("return window.injected") is None
    assert run("return document.querySelectorAll('img, i, #pair script').length") == 0
    assert run("return performance.getEntriesByType('resource').length") == 0
    assert form.browser.get_log("browser") == []
    assert form.text("query") == HOSTILE[0]


def test_the_policy_allows_the_pages_own_script_and_style_alone():
    page = form_html(ROWS, POOL, "<shop>", "labels.csv")
    assert page == form_html(ROWS, POOL, "<shop>", "labels.csv")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1].replace("&#39;", "'")
    script, style = (re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL) for tag in ("script", "style"))
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for (text,) in (script, style)]
    assert policy == (
        f"default-src 'none'; script-src 'sha256-{hashes[0]}'; style-src 'sha256-{hashes[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )
    assert page.count("<script") == page.count("</script>") == 2
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])
    assert [data["texts"][pair[3]] for pair in data["pairs"]] == SHOWN
    assert not re.search(r"https?://(?!example\.com)", page)
