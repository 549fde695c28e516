"""The page in a browser: what it shows, how it is used, and that nothing in results can do anything."""

from __future__ import annotations

import shlex

import numpy as np
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select
from support import quality_record

from bench.report.cells import number_text
from bench.report.columns import ENCODING_COLUMNS, VIEW_COLUMNS
from bench.report.verdicts import few_text, loss_cells, loss_headings, method_text, rank_text
from bench.results.store import ResultStore
from bench.statistics.pareto import pareto_front

HOSTILE = (
    "</script><script>window.injected = 1</script>",
    '"><img src=x onerror="window.injected = 1">',
    "__proto__",
    "constructor",
    "javascript:window.injected=1",
    "it's; rm -rf ~ $(id) `id`",
    "long" * 50,
)

# How light the page is, and the contrasts of text, quiet text and the least of the hues with it (WCAG 2.2).
CONTRASTS = """
    const channel = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const light = (text) => {
      const [r, g, b] = text.match(/[\\d.]+/g).slice(0, 3).map((value) => channel(value / 255));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const page = getComputedStyle(document.body).backgroundColor;
    const contrast = (colour) => {
      const [low, high] = [light(colour), light(page)].sort((a, b) => a - b);
      return (high + 0.05) / (low + 0.05);
    };
    const colour = (selector) => getComputedStyle(document.querySelector(selector)).color;
    const probe = document.createElement("span");
    document.body.append(probe);
    const hues = [...Array(8).keys(), "other"].map((hue) => {
      probe.className = `hue-${hue}`;
      return contrast(getComputedStyle(probe).color);
    });
    return [light(page), contrast(colour("body")), contrast(colour(".caveat")), Math.min(...hues)];
"""


class Page:
    """The page in the browser."""

    def __init__(self, browser, url):
        self.browser = browser
        self.url = url

    def open(self, state=""):
        self.browser.get("about:blank")
        self.browser.get(self.url + (f"#{state}" if state else ""))
        return self

    def find(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def run(self, script):
        return self.browser.execute_script(script)

    def texts(self, selector):
        return self.run(f"return [...document.querySelectorAll({selector!r})].map((found) => found.textContent)")

    def column(self, key):
        return self.texts(f"#body .{key}")

    def places(self):
        return self.run("return [...document.querySelectorAll('#body tr')].map((row) => Number(row.dataset.place))")

    def points(self, about):
        """The place of each point's row with something about the point `p`."""
        return self.run(
            f"return [...document.querySelectorAll('#chart .point')].map((p) => [Number(p.dataset.place), {about}])"
        )

    def choose(self, key, text):
        Select(self.find(f"#{key}")).select_by_visible_text(text)

    def options(self, key):
        return self.texts(f"#{key} option")

    def type(self, key, text):
        field = self.find(f"#{key}")
        field.clear()
        field.send_keys(text)

    def sort(self, key):
        self.find(f'#head [data-key="{key}"] button').click()
        return self.find(f'#head [data-key="{key}"]').get_attribute("aria-sort")

    def log(self):
        return [entry["message"] for entry in self.browser.get_log("browser")]


@pytest.fixture
def page(browser, sample):
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    browser.set_window_size(1280, 1000)
    return Page(browser, sample.url).open()


@pytest.fixture
def table(sample):
    return next(table for table in sample.tables if table.environment == "env")


def test_it_loads_without_a_word_on_the_console(page):
    assert page.texts("h1") == ["Leaderboard"]
    assert page.find("#task").get_attribute("value") == "0"
    assert page.log() == []


def test_nothing_moves_while_it_loads(page):
    script = """
        const done = arguments[0];
        new PerformanceObserver((list) => done(list.getEntries().reduce((sum, entry) => sum + entry.value, 0)))
            .observe({ type: "layout-shift", buffered: true });
        setTimeout(() => done(0), 500);
    """
    # Core Web Vitals call a shift of 0.1 good.
    assert page.browser.execute_async_script(script) < 0.1


def test_the_table_says_what_the_other_pages_say(page, table):
    page.open("columns=all&sort=none")
    assert page.places() == list(range(len(table.rows)))
    rows = table.rows
    assert page.column("model") == [row.model + ("†" if row.noisy else "") for row in rows]
    assert page.column("kind") == [row.marked_kind for row in rows]
    assert page.column("dim") == [str(row.view.truncate_dim) if row.view else "" for row in rows]
    assert page.column("precision") == [row.view.precision if row.view else "" for row in rows]
    assert page.column("score") == [f"{row.score.value:.4f}" if row.score else "" for row in rows]
    shown = [f"[{row.score.ci_low:.3f}, {row.score.ci_high:.3f}]" if row.score else "" for row in rows]
    assert page.column("interval") == shown
    assert page.column("rank") == [rank_text(row.standing) for row in rows]
    assert any(page.column("rank"))
    losses = [loss_cells(table, row) for row in rows]
    assert page.column("loss") == [loss for loss, _ in losses]
    assert page.column("within") == [within for _, within in losses]
    heads = page.texts("#head button")
    assert [head for head in heads if head.startswith(("loss", "within"))] == loss_headings(table)
    encoding = {row.model: row for row in table.encoding}
    for column in (*VIEW_COLUMNS, *ENCODING_COLUMNS):
        of = [encoding.get(row.model) if column in ENCODING_COLUMNS else row for row in rows]
        expected = ["" if row is None else number_text(column, getattr(row, column.key)) for row in of]
        assert page.column(column.key) == (expected if any(expected) else [])


def test_marks_and_notes_stand_below_the_table(page, table):
    notes = page.texts("#notes li, #more-notes li")
    assert set(table.notes) | set(table.footnotes) <= set(notes)
    assert "audit: 3 of 9 queries are in the training data" in notes
    assert "bm25: hnsw was not measured: bm25 has no vectors" in notes
    assert notes[0] == method_text(table)
    assert page.find("#few").text == few_text(table.losses, "queries")
    assert any(note.startswith("† ") for note in notes)
    assert any(note.startswith("‡ ") for note in notes)
    assert "fine-tuned ‡" in page.column("kind")
    assert "pretrained, random weights" in page.column("kind")


@pytest.mark.parametrize("key", ["score", "search_p95_ms", "p95_ms", "model", "dim", "precision", "kind"])
def test_a_click_on_a_heading_sorts_and_another_turns_it_round(page, table, key):
    page.open("sort=none")

    def value(row):
        encoding = {found.model: found for found in table.encoding}.get(row.model)
        match key:
            case "score":
                return row.score and row.score.value
            case "dim":
                return row.view and row.view.truncate_dim
            case "precision":
                return row.view and ["float32", "float16", "int8", "binary"].index(row.view.precision)
            case "p95_ms":
                return encoding and encoding.p95_ms
            case "search_p95_ms":
                return row.search_p95_ms
        return getattr(row, key)

    directions = set()
    for _ in range(2):
        direction = page.sort(key)
        directions.add(direction)
        found = [value(table.rows[place]) for place in page.places()]
        known = [one for one in found if one is not None]
        assert known == sorted(known, reverse=direction == "descending")
        # What was not measured comes last either way.
        assert found[len(known) :] == [None] * (len(found) - len(known))
    assert directions == {"ascending", "descending"}
    sorted_heads = page.all('#head [aria-sort="ascending"], #head [aria-sort="descending"]')
    assert [head.get_attribute("data-key") for head in sorted_heads] == [key]


def test_sorting_needs_no_mouse(page):
    button = page.find('#head [data-key="p50_ms"] button')
    page.run("document.querySelector('#head [data-key=p50_ms] button').focus()")
    button.send_keys(Keys.ENTER)
    first = page.places()
    # The heading keeps the focus, so that another press turns the order round.
    page.browser.switch_to.active_element.send_keys(Keys.SPACE)
    assert page.places() != first


def test_filters_narrow_the_table_and_the_chart(page, table):
    page.type("model", "mid")
    assert set(page.column("model")) == {"middle"}
    page.choose("precision", "float32")
    page.choose("dim", "32")
    (place,) = page.places()
    assert (table.rows[place].model, str(table.rows[place].view)) == ("middle", "32 float32")
    assert len(page.all("#chart .point")) == 1
    page.find("#reset").click()
    assert len(page.places()) == len(table.rows)
    page.choose("kind", "mrl")
    assert set(page.column("kind")) == {"mrl"}
    page.type("model", "no such model")
    assert (page.places(), page.find("#count").text) == ([], "No row has all of these.")
    assert page.log() == []


def test_tasks_and_environments_switch(page, sample):
    assert page.options("task") == ["shop (test)", "talk (test)"]
    assert page.options("environment") == ["env: A fast one, 4 cores, Linux", "gpu: not described"]
    page.choose("environment", "gpu: not described")
    gpu = next(table for table in sample.tables if table.environment == "gpu")
    assert sorted(set(page.column("p95_ms"))) == ["", "2.50"]
    assert len(page.places()) == len(gpu.rows)
    page.choose("task", "talk (test)")
    assert page.column("score") == ["0.5000"]
    assert page.find("#caption").text == "talk (test): recall_at_10 over 4 queries; no cost measured"
    assert page.options("environment") == ["no cost measured"]
    assert page.log() == []


@pytest.mark.parametrize(
    "key", ["bytes_per_vector", "search_ms", "search_p95_ms", "p50_ms", "search_mib", "encode_mib"]
)
def test_the_chart_draws_each_axis_with_its_pareto_front(page, table, key):
    columns = {column.key: column for column in (*VIEW_COLUMNS, *ENCODING_COLUMNS)}
    page.choose("x", columns[key].title)
    encoding = {row.model: row for row in table.encoding}
    costs = {}
    for place, row in enumerate(table.rows):
        of = row if columns[key] in VIEW_COLUMNS else encoding.get(row.model)
        if row.score is not None and of is not None and getattr(of, key) is not None:
            costs[place] = float(number_text(columns[key], getattr(of, key)).replace(",", ""))
    drawn = page.points("p.classList.contains('on-front')")
    assert sorted(place for place, _ in drawn) == sorted(costs)
    scores = np.array([table.rows[place].score.value for place in costs])
    front = pareto_front(np.array(list(costs.values())), scores)
    assert {place for place, on_front in drawn if on_front} == {
        place for place, on in zip(costs, front, strict=True) if on
    }
    assert columns[key].title in page.find("#chart").get_attribute("aria-label")


def test_the_scale_switches_between_log_and_linear(page):
    across = "p.transform.baseVal[0].matrix.e"
    log = dict(page.points(across))
    page.find('input[value="linear"]').click()
    linear = dict(page.points(across))
    by_place = sorted(log, key=log.get)
    assert by_place == sorted(linear, key=lambda place: (linear[place], by_place.index(place)))
    # 4, 64, 128 and 256 bytes: apart by their ratios, and by their differences.
    spots = sorted(set(log.values()))
    assert (spots[1] - spots[0]) / (spots[2] - spots[1]) == pytest.approx(4, abs=0.1)
    spots = sorted(set(linear.values()))
    assert (spots[1] - spots[0]) / (spots[2] - spots[1]) == pytest.approx(60 / 64, abs=0.02)
    assert page.browser.current_url.endswith("#scale=linear")


@pytest.mark.parametrize("scores", [(0.64471, 0.64523, 0.6461, 0.64502), (-0.125, -0.04, 0.02, 0.1)])
def test_numbers_of_the_score_stand_clear_of_its_name(browser, makers, tmp_path, scores):
    store = ResultStore(tmp_path / "results")
    # Correlations alone go below 0.
    metric = "ndcg_at_10" if min(scores) > 0 else "cosine_spearman"
    record = quality_record("close", views=dict(zip(makers.views, scores, strict=True)), width=64, metric=metric)
    makers.write_quality(store, makers.shop(record))
    (tmp_path / "index.html").write_text(makers.page_of(store), encoding="utf-8")
    page = Page(browser, (tmp_path / "index.html").as_uri()).open()
    name, *numbers = page.run(
        """const box = (text) => text.getBoundingClientRect();
        const name = [...document.querySelectorAll("#chart .axis")].find((text) => text.hasAttribute("transform"));
        const numbers = [...document.querySelectorAll('#chart .tick[text-anchor="end"]')];
        return [box(name).right, ...numbers.map((text) => box(text).left)];"""
    )
    assert len(numbers) >= 3
    assert min(numbers) >= name + 2


def test_hovering_a_point_tells_about_it(page):
    assert not page.find("#tip").is_displayed()
    ActionChains(page.browser).move_to_element(page.find('#chart .point[data-index="0"]')).perform()
    assert ", ".join(page.texts("#tip div")) == page.find("#chart .current").get_attribute("aria-label")
    assert page.texts("#tip div")[-1] == "on the Pareto front"
    ActionChains(page.browser).move_to_element(page.find("h1")).perform()
    assert not page.find("#tip").is_displayed()


def test_the_arrow_keys_go_from_point_to_point(page):
    page.find('input[name="scale"]:checked').send_keys(Keys.TAB)
    seen = []
    for key in (None, Keys.ARROW_RIGHT, Keys.END, Keys.ARROW_RIGHT, Keys.ARROW_LEFT, Keys.HOME):
        if key:
            page.browser.switch_to.active_element.send_keys(key)
        active = page.browser.switch_to.active_element
        seen.append(int(active.get_attribute("data-index")))
        assert page.find("#tip").is_displayed()
        assert ", ".join(page.texts("#tip div")) == active.get_attribute("aria-label")
    last = len(page.all("#chart .point")) - 1
    assert seen == [0, 1, last, last, last - 1, 0]
    page.browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not page.find("#tip").is_displayed()
    # One stop for the whole chart, however many points.
    assert len(page.all('#chart [tabindex="0"]')) == 1


def test_what_is_shown_stands_in_the_address(page):
    page.type("model", "m")
    page.choose("precision", "int8")
    page.choose("x", "query p50 ms")
    page.type("storage", "500 kB")
    page.type("share", "90%")
    page.sort("score")
    html = """return document.querySelector('main').innerText
        + [...document.querySelectorAll('input, select')].map((field) => field.value)"""
    before, address = page.run(html), page.browser.current_url
    page.browser.get("about:blank")
    page.browser.get(address)
    assert page.run(html) == before
    assert page.find("#storage").get_attribute("value") == "500 kB"


def test_an_address_of_what_is_not_there_shows_what_is(page, table):
    page.open("task=gone&environment=gone&kind=gone&dim=7&sort=gone&x=gone&page=99&scale=gone&nonsense=%E2%80%A8")
    assert len(page.places()) == len(table.rows)
    assert page.log() == []


def test_a_phone_scrolls_the_table_and_not_the_page(page):
    metrics = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    page.open("columns=all&storage=1kB&size=1M&share=99%25")
    assert page.run("return document.documentElement.scrollWidth") == 390
    scroller = "return document.querySelector('#table').parentElement"
    assert page.run(f"{scroller}.scrollWidth > document.documentElement.clientWidth")
    heights = """return [...document.querySelectorAll('button, select, input[type=text]')]
        .filter((found) => found.offsetParent && !found.closest('#head')).map((found) => found.offsetHeight)"""
    # A finger finds them.
    assert min(page.run(heights)) >= 32


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_keep_text_readable(page, scheme):
    features = [
        {"name": "prefers-color-scheme", "value": scheme},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": features})
    page.open()
    background, ink, soft, hue = page.run(CONTRASTS)
    assert (background > 0.5) == (scheme == "light")
    # WCAG 2.2: 4.5 for text, 3 for graphics.
    assert (ink > 7, soft > 4.5, hue > 3) == (True, True, True)
    assert page.run("return parseFloat(getComputedStyle(document.querySelector('button')).transitionDuration)") == 0
    assert page.log() == []


def test_printing_hides_controls_and_keeps_table_and_chart(page):
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": []})
    shown = {name: page.find(name).is_displayed() for name in ("#budget", "#task", "#reset", "#x", "#table", "#chart")}
    assert shown == {"#budget": False, "#task": False, "#reset": False, "#x": False, "#table": True, "#chart": True}


def test_every_field_has_a_label(page):
    unnamed = """return [...document.querySelectorAll('input, select, button')]
        .filter((field) => !(field.labels?.length || field.textContent.trim())).map((field) => field.id)"""
    assert page.run(unnamed) == []


def test_a_table_of_one_page_has_nothing_to_turn(page):
    assert not page.find("#pager").is_displayed()
    assert not page.find("#more").is_displayed()


def test_long_tables_are_turned_page_by_page(browser, makers, tmp_path):
    store = ResultStore(tmp_path / "results")
    for place in range(30):
        views = {(dim, "float32"): place / 100 + dim / 1e4 for dim in (8, 16, 32, 64)}
        makers.write_quality(
            store, quality_record(f"model {place:02}", fingerprint=f"{place:032x}", views=views, width=64, n=4)
        )
    (tmp_path / "index.html").write_text(makers.page_of(store), encoding="utf-8")
    page = Page(browser, (tmp_path / "index.html").as_uri()).open()
    first = page.places()
    assert (len(first), page.find("#count").text) == (100, "1 to 100 of 120 rows")
    page.find("#next").click()
    second = page.places()
    assert (len(second), page.find("#count").text) == (20, "101 to 120 of 120 rows")
    assert sorted(first + second) == list(range(120))
    assert not page.find("#next").is_enabled()
    page.type("model", "07 MODEL")
    assert set(page.column("model")) == {"model 07"}
    # More models than hues: the best have one each, the others share one.
    page.find("#reset").click()
    assert "22 other models" in page.texts("#keys li")


def test_names_from_results_do_nothing(browser, makers, tmp_path):
    store = ResultStore(tmp_path / "results")
    for place, name in enumerate(HOSTILE):
        record = makers.with_task(
            quality_record(name, fingerprint=f"{place:032x}", task=name, n=4), notes=[name], shown=[name]
        )
        makers.write_quality(store, record)
    store.write_environment("env", {"cpu": HOSTILE[0], "cores": 4})
    (tmp_path / "index.html").write_text(makers.page_of(store), encoding="utf-8")
    page = Page(browser, (tmp_path / "index.html").as_uri()).open()
    metrics = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    assert sorted(page.options("task")) == sorted(f"{name} (test)" for name in HOSTILE)
    for name in HOSTILE:
        page.choose("task", f"{name} (test)")
        page.type("score", "0.1")
        assert page.texts("#verdict bdi, #body bdi, #keys bdi") == [name] * 3
        assert name in page.texts("#notes li")
        page.run("document.querySelector('#chart .point').focus()")
        assert page.texts("#tip div")[0] == name
        # A shell that reads the command finds the name, whole, as one word.
        words = shlex.split(page.find(".command").text)
        assert words[words.index("--task") + 1] == name
        assert page.run("return document.documentElement.scrollWidth") == 390
        page.open(page.browser.current_url.partition("#")[2])
        assert page.column("model") == [name]
    assert page.run("return [window.injected, ({}).injected, document.images.length, document.scripts.length]") == [
        None,
        None,
        0,
        2,
    ]
    assert page.log() == []
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
