from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import polars as pl
import pytest
from playwright.sync_api import expect

from sinks.formats.scan import scan
from tests.clients.web import conftest, scene
from tests.traffic.sample.story import START

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

AXE = Path(scene.__file__).parents[3] / "clients" / "web" / "page" / "node_modules" / "axe-core" / "axe.min.js"
VIEWS = {
    "/": "Traffic over time",
    "/flows": "SrcAddr",
    "/graph": "Largest links",
    "/map": "Bytes by country",
    "/dns": "Transactions, newest first",
    "/live": "records are kept|Nothing arrives live",
    "/alerts": "tried 22 ports",
    f"/host/{scene.CLIENT}": "Where it was attached",
}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
expect.set_options(timeout=conftest.PATIENCE)


def rows(page: Page) -> Locator:
    return page.locator(".rows .row:not(.awaited)")


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_shows_what_the_pipeline_found_and_can_be_read_to_those_who_do_not_see_it(
    page: Page, view: str
) -> None:
    page.goto(view)
    expect(page.locator("main")).to_contain_text(re.compile(VIEWS[view]))
    expect(page.locator(".spinner")).to_have_count(0)
    expect(page.locator(".refused")).to_have_count(0)
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        violations = accessibility(page)
        assert violations == [], json.dumps(violations, indent=1)


def accessibility(page: Page) -> list[dict[str, Any]]:
    """Run axe-core in a world of its own, which the page's policy on scripts does not bind."""
    session = page.context.new_cdp_session(page)
    frame = session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
    world = session.send("Page.createIsolatedWorld", {"frameId": frame})["executionContextId"]
    session.send("Runtime.evaluate", {"contextId": world, "expression": AXE.read_text(encoding="utf-8")})
    shown = "found.violations.map(one => ({id: one.id, at: one.nodes.map(node => node.html).slice(0, 3)}))"
    question = f"axe.run().then(found => {shown})"
    told = session.send(
        "Runtime.evaluate",
        {"contextId": world, "expression": question, "awaitPromise": True, "returnByValue": True},
    )
    violations: list[dict[str, Any]] = told["result"]["value"]
    return violations


def test_a_figure_of_the_overview_leads_to_its_flows_and_one_of_them_to_its_explanation(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name=re.compile("flows of tcp.22 ssh", re.IGNORECASE)).first.click()
    expect(page).to_have_url(re.compile(r"/flows\?q=.*22"))
    expect(rows(page)).to_have_count(3)
    expect(page.locator(".command code")).to_contain_text("argosy ra -R")
    rows(page).get_by_role("link").last.click()
    expect(page).to_have_url(re.compile(r"/flow/[0-9a-f]{32}"))
    expect(page.locator("h1")).to_contain_text("port 22")
    expect(page.get_by_role("region", name="Ends, as of then")).to_contain_text("02:20:00:00:01:17")
    page.go_back()
    expect(rows(page)).to_have_count(3)


def test_a_flow_is_explained_with_all_that_is_known_of_it(page: Page) -> None:
    page.goto(f"/flows?q=host+{scene.TRAP}+and+srcid+edge")
    rows(page).get_by_role("link").first.click()
    ends = page.get_by_role("region", name="Ends, as of then")
    for told in ("browser", "ann", "Gi1/0/7", "64498"):
        expect(ends).to_contain_text(told)
    observers = page.get_by_role("region", name="Observers in the order of the way")
    expect(observers.get_by_role("row").nth(1)).to_contain_text("edge")
    expect(observers.get_by_role("row").nth(2)).to_contain_text("core")
    expect(observers).to_contain_text("core saw it 0.400 ms later")
    expect(page.get_by_role("region", name="The DNS that led to it")).to_contain_text(scene.TRAP)
    payload = page.get_by_role("region", name="What they said first")
    expect(payload).to_contain_text("tls client hello")
    expect(payload).to_contain_text(scene.HOSTILE)
    payload.get_by_text("Bytes", exact=True).click()
    expect(payload.locator("pre")).to_contain_text("0000  16 03")
    expect(page.get_by_role("region", name="Merged from")).to_contain_text(".parquet")
    assert accessibility(page) == []


DRAWN = """(chart, swatch) => {
  const canvas = chart.querySelector("canvas");
  const wanted = getComputedStyle(swatch).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number);
  const seen = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const near = (at) => wanted.every((part, which) => Math.abs(seen[at + which] - part) < 4);
  let pixels = 0;
  for (let at = 0; at < seen.length; at += 4) if (seen[at + 3] > 100 && near(at)) pixels += 1;
  return pixels;
}"""


def test_the_records_of_a_flow_are_drawn_one_after_the_other(page: Page, folder: Path) -> None:
    tcp = scan([str(path) for path in (folder / "data").rglob("flows*.parquet")]).filter(pl.col("protocol") == 6)
    flow, many = tcp.group_by("flow_id").len().sort("len", "flow_id").collect().row(-1)
    assert many > 1
    page.goto(f"/flow/{flow.hex()}")
    expect(page.get_by_role("region", name=f"Its {many} records").get_by_role("row")).to_have_count(many + 1)
    windows = page.get_by_role("region", name="Windows over time")
    chart = windows.get_by_role("img", name="Windows in the status records of the flow")
    expect(chart.locator("canvas")).to_be_visible()
    for series in ("series-0", "series-1"):
        assert chart.evaluate(DRAWN, windows.locator(f".swatch.{series}").element_handle()) > 10


def test_a_scan_an_attachment_and_its_flows_stand_on_the_page_of_a_host(page: Page) -> None:
    page.goto(f"/host/{scene.CLIENT}")
    expect(page.get_by_role("region", name="Where it was attached", exact=True)).to_contain_text("switch-1")
    expect(page.get_by_role("region", name="Processes and users", exact=True)).to_contain_text("browser")
    page.goto(f"/host/{scene.SERVER}")
    page.get_by_role("link", name="10.20.30.66 tried 97 TCP ports here").click()
    expect(page.locator(".below [role=status]")).to_contain_text("97 flows")


def test_a_country_shows_its_hosts_and_a_network_its_flows(page: Page) -> None:
    page.goto("/map")
    page.get_by_role("button", name=re.compile("hosts of Japan")).click()
    page.get_by_role("region", name="Hosts of Japan").get_by_role("link", name=scene.TRAP).click()
    expect(page.locator("h1")).to_contain_text(scene.TRAP)
    expect(page.get_by_role("region", name="Owners of its network", exact=True)).to_contain_text("AS64498")
    page.goto("/graph?by=net")
    node = page.get_by_role("button", name=re.compile("^10[.]20[.]30[.]0.24"))
    node.press(" ")
    expect(page.get_by_label("Details").get_by_role("heading")).to_contain_text("10.20.30.0/24")
    node.press("Enter")
    expect(page).to_have_url(re.compile(r"/flows\?q=net\+10.20.30.0%2F24"))


def test_what_was_not_there_before_is_news(page: Page) -> None:
    page.goto(f"/?from={START // scene.SECOND + 120}")
    news = page.get_by_role("region", name="New since the day before")
    expect(news).to_contain_text("Domains")
    news.locator("li", has_text="Domains").get_by_role("link").first.click()
    expect(page).to_have_url(re.compile(r"/dns\?.*name="))
    expect(page.get_by_role("region", name="New domains").get_by_role("row")).not_to_have_count(0)


def test_a_filter_typed_wrong_is_marked_and_mended(page: Page) -> None:
    page.goto("/flows")
    expect(rows(page).first).to_be_visible()
    box = page.get_by_role("combobox", name="Filter")
    box.fill("not tpc and port 443")
    expect(page.locator(".wavy")).to_have_text("tpc")
    expect(page.locator(".filter .mistake")).to_contain_text("did you mean 'tcp'")
    page.get_by_role("button", name="Use “tcp”").click()
    expect(page).to_have_url(re.compile(r"q=not\+tcp\+and\+port\+443"))
    expect(page.locator(".wavy")).to_have_count(0)
    expect(page.locator("main")).to_contain_text("No flow was selected")


def test_words_are_completed_by_keys(page: Page) -> None:
    page.goto("/flows")
    box = page.get_by_role("combobox", name="Filter")
    box.press_sequentially("tcp and dst po")
    expect(page.get_by_role("option").first).to_contain_text("port")
    box.press("ArrowDown")
    box.press("Tab")
    expect(box).to_have_value("tcp and dst port ")
    box.press_sequentially("22")
    expect(page.get_by_role("option")).to_have_count(0)
    box.press("Enter")
    expect(rows(page)).to_have_count(3)


def test_flows_are_sorted_grouped_and_told_in_other_columns(page: Page) -> None:
    page.goto("/flows?fields=saddr,daddr,bytes&q=tcp")
    page.get_by_role("button", name="TotBytes").click()
    expect(page.get_by_role("columnheader", name="TotBytes")).to_have_attribute("aria-sort", "descending")
    expect(rows(page).first).to_contain_text("113 kB")
    page.goto("/flows?group=proto&q=ip")
    expect(rows(page).filter(has_text="udp")).to_have_count(1)
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
        page.get_by_role("link", name="CSV").click()
    assert "udp" in download.value.path().read_text(encoding="utf-8")


def test_the_last_of_all_rows_is_reached_by_keys_and_opened(page: Page) -> None:
    page.goto("/flows")
    expect(rows(page).first).to_be_visible()
    page.get_by_role("grid").focus()
    page.keyboard.press("End")
    last = page.locator(".rows .row.active")
    expect(last).to_contain_text("09:00:00.200")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/flow/[0-9a-f]{32}"))


def test_keys_alone_lead_through_the_page(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("heading", name="Traffic over time")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("g")
    page.keyboard.press("f")
    expect(page).to_have_url(re.compile("/flows"))
    page.keyboard.press("/")
    expect(page.get_by_role("combobox", name="Filter")).to_be_focused()
    page.keyboard.type("udp")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("q=udp"))
    page.get_by_role("grid").focus()
    page.keyboard.press("c")
    dialog = page.get_by_role("dialog", name="Time range")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys and filters")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_keys_alone_lead_from_the_overview_to_an_explained_flow(page: Page) -> None:
    page.goto("/")
    link = page.get_by_role("link", name=re.compile("flows of tcp.22 ssh", re.IGNORECASE)).first
    tab_to(page, link)
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(3)
    tab_to(page, page.get_by_role("grid"))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("port 22")


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until something has the focus."""
    expect(wanted).to_be_visible()
    for _ in range(100):
        page.keyboard.press("Tab")
        if wanted.evaluate("one => one === document.activeElement"):
            return
    pytest.fail("Tab does not lead there")


def test_a_part_of_the_picture_is_dragged_to_ask_for_that_time(page: Page) -> None:
    page.goto("/")
    picture = page.locator(".traffic .u-over")
    box = picture.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 60, steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"from=1773133\d+.*to=1773133\d+"))
    expect(page.locator("#time")).to_contain_text("2026-03-10 09:0")


def test_times_are_those_of_the_zone_and_ranges_count_from_the_end(page: Page) -> None:
    page.goto("/flows?t=-1m&tz=Asia/Kathmandu")
    expect(rows(page).first).to_contain_text("2026-03-10 14:5")
    expect(page.locator("#time")).to_contain_text("-1m")


def test_dark_and_light_are_kept(page: Page) -> None:
    page.emulate_media(color_scheme="light")
    page.goto("/")
    root = page.locator("html")
    expect(root).to_have_attribute("data-theme", "light")
    for wanted in ("light", "dark"):
        page.get_by_role("button", name=re.compile(f"change to {wanted}")).click()
        expect(root).to_have_attribute("data-theme", wanted)
    page.reload()
    expect(root).to_have_attribute("data-theme", "dark")


def test_narrow_screens_need_no_scrolling_to_the_side(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    for view, shown in VIEWS.items():
        page.goto(view)
        expect(page.locator("main")).to_contain_text(re.compile(shown))
        width = page.locator("html").evaluate("root => root.scrollWidth")
        assert width <= 360, f"{view} is {width} pixels wide"


def test_hostile_names_are_text(page: Page) -> None:
    flows = f"/flows?q=host+{scene.TRAP}&fields=saddr,daddr,dname"
    for view in (f"/dns?client={scene.CLIENT}", f"/host/{scene.TRAP}", flows):
        page.goto(view)
        expect(page.locator("main")).to_contain_text(scene.HOSTILE)
        expect(page.locator("img:not(.brand img)")).to_have_count(0)
        expect(page).not_to_have_title("1")
    page.goto("/graph")
    expect(page.get_by_label(re.compile("img.src=x"))).to_have_count(1)
    expect(page.locator("img:not(.brand img)")).to_have_count(0)
    expect(page).not_to_have_title("1")


def test_an_alert_is_looked_at_acknowledged_and_its_rule_tried(page: Page) -> None:
    page.goto("/alerts")
    page.get_by_role("button", name=re.compile("tried 22 ports")).click()
    page.get_by_role("textbox", name="Note").fill("our own scanner")
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.locator(".evidence")).to_contain_text("our own scanner")
    page.get_by_role("button", name="Take back").click()
    page.get_by_role("button", name=re.compile("^high vertical-scan$")).click()
    text = page.locator("textarea")
    text.fill(text.input_value().replace("saddr, daddr", "saddr, dadr").replace("- daddr", "- dadr"))
    expect(page.locator(".editing [role=status]")).to_contain_text("dadr")
    page.get_by_role("button", name="As it was").click()
    expect(page.locator(".editing [role=status]")).to_have_text("Correct.")
    page.get_by_role("button", name=re.compile("What would it have found")).click()
    expect(page.locator(".tested")).to_contain_text("tried 22 ports of 10.20.5.30")


def test_new_packets_and_their_alert_show_by_themselves(page: Page, folder: Path) -> None:
    page.goto("/")
    flows = page.locator(".figures li", has_text="Flows").locator(".value")
    expect(flows).to_have_text("506")
    with page.expect_response(re.compile("/api/live")):
        page.reload()
    expect(flows).to_have_text("506")
    scene.afterwards(folder)
    expect(page.get_by_role("log")).to_contain_text("10.20.1.44 tried")
    expect(flows).to_have_text("606")
    page.get_by_role("log").get_by_role("link").first.click()
    expect(page).to_have_url(re.compile("/alerts"))
    expect(page.locator(".evidence")).to_contain_text("vertical-scan")
